//! What is seen at rest on all three sides, against the reference.

use super::operations::{GROUPS, ITEMS, Who};
use super::play::Play;
use super::reference::{Field, History, Local, Said};
use handoff_sandbox::azure::{IdentityId, SimRevision};
use handoff_tests::sight::Change;
use serde_json::Value;
use std::fmt::Debug;

impl Play {
    /// Everything that is not as the rules say, in words.
    pub(super) async fn violations(&self) -> Vec<String> {
        let (mut assignees, mut statuses) = (Vec::new(), Vec::new());
        for group in 0..GROUPS {
            assignees.push(self.assignee(group).await);
            statuses.push(self.is_resolved(group).await);
        }
        let assignees = self.field("assignee", &self.journal.assignees, None, assignees, |one| {
            (self.meaning_of(one.assigned_to), format!("{:?}", one.assigned_to))
        });
        let statuses = self.field("status", &self.journal.statuses, false, statuses, |one| {
            (Some(matches!(one.state.as_str(), "Resolved" | "Closed")), one.state.clone())
        });
        let mut found = assignees.violations();
        found.extend(statuses.violations());
        for group in 0..GROUPS {
            let told: Result<(), String> = async {
                self.check_card(group, assignees.ended[group], statuses.ended[group])?;
                self.check_links(group, &assignees).await?;
                self.check_history(group, &assignees, &statuses).await
            }
            .await;
            found.extend(told.err().map(|text| format!("group {group}: {text}")));
        }
        found
    }

    /// What an assignee there means here.
    fn meaning_of(&self, identity: Option<IdentityId>) -> Option<Option<Who>> {
        let Some(identity) = identity else { return Some(None) };
        let known = [Who::Ada, Who::Bob, Who::Cleo, Who::Zoe];
        let who = known.into_iter().find(|who| self.person(*who).identity == identity)?;
        (who != Who::Zoe || self.zoe_is_mapped).then_some(Some(who))
    }

    fn is_ours(&self, revision: &SimRevision) -> bool {
        let by = revision.by.and_then(|by| self.scene.azure.identity(by).ok());
        by.is_some_and(|by| by.details.display_name == "Handoff")
    }

    fn field<V: Copy + Eq + Debug>(
        &self,
        name: &'static str,
        locals: &[Local<V>],
        began: V,
        ended: Vec<V>,
        meaning: impl Fn(&SimRevision) -> (Option<V>, String),
    ) -> Field<V> {
        let history = |item: usize| {
            let revisions = self.scene.azure.revisions(self.items[item]).unwrap();
            let mut said: Vec<Said<V>> = Vec::new();
            for one in &revisions {
                let (value, raw) = meaning(one);
                if said.last().is_none_or(|last| last.raw != raw) {
                    said.push(Said { rev: one.rev, at_us: one.at_us, ours: self.is_ours(one), value, raw });
                }
            }
            let revisions = revisions.iter().map(|one| (one.rev, one.at_us)).collect();
            History { said, revisions, known: self.journal.known[item].clone() }
        };
        let items = (0..ITEMS).map(history).collect();
        Field { name, locals: locals.to_vec(), links: self.journal.links.clone(), items, began, ended }
    }

    /// Its one card shows who has it and where it stands.
    fn check_card(&self, group: usize, assignee: Option<Who>, resolved: bool) -> Result<(), String> {
        let cards = self.scene.cards(&self.groups[group]);
        let [card] = cards.as_slice() else { return Err(format!("it has so many cards: {cards:#?}")) };
        let shown = match assignee {
            Some(who) => {
                let person = self.person(who);
                format!("{} · <@{}>", person.name, self.scene.member(person).discord)
            }
            None => "Nobody".to_owned(),
        };
        let status = if resolved { "Resolved" } else { "Unresolved" };
        if card.assignee != shown || card.status != status {
            return Err(format!("its card shows {card:?} in place of {shown} and {status}"));
        }
        Ok(())
    }

    /// Its links know the present of their work items, and who is nobody we know.
    async fn check_links(&self, group: usize, assignees: &Field<Option<Who>>) -> Result<(), String> {
        for (item, link) in self.links(group).await {
            let present = self.scene.item(self.items[item]);
            let last = assignees.items[item].said.last().unwrap();
            let is_known = link["work_item"]["revision"] == present.rev;
            if !is_known || link["unresolved"].is_null() != last.value.is_some() || !link["problem"].is_null() {
                return Err(format!("its link with work item {item}, which is {present:?}, is {link}"));
            }
        }
        Ok(())
    }

    /// Each change stands once in its history, and was told once to whom it concerns, but to nobody for
    /// what they did themselves.
    async fn check_history(
        &self,
        group: usize,
        assignees: &Field<Option<Who>>,
        statuses: &Field<bool>,
    ) -> Result<(), String> {
        let handle = &self.groups[group];
        let entries = self.scene.activities(handle).await;
        let (mut has, mut is_resolved) = (None, false);
        let mut to_tell = Vec::new();
        let (mut assigned, mut moved) = (0, 0);
        let changes = self.scene.changes(handle).await;
        let mut changes = changes.iter();
        for entry in &entries {
            match entry["kind"].as_str() {
                Some("assigned" | "unassigned") => {
                    let (from, to) = match changes.next() {
                        Some(Change::Assigned { to, from }) => (*from, Some(*to)),
                        Some(Change::Unassigned { from }) => (Some(*from), None),
                        None => return Err("the history has changed".to_owned()),
                    };
                    if from != has || to == has {
                        return Err(format!("its history does not fit together: {entries:#?}"));
                    }
                    if let Some(user) = to
                        && entry["source"]["by"].as_i64() != Some(user)
                        && entry["source"]["from"] != "baseline"
                    {
                        to_tell.push(user);
                    }
                    has = to;
                    assigned += 1;
                }
                Some("status_changed") => {
                    let (from, to) = (&entry["from"] == "resolved", &entry["to"] == "resolved");
                    if from != is_resolved || to == is_resolved {
                        return Err(format!("its history does not fit together: {entries:#?}"));
                    }
                    is_resolved = to;
                    moved += 1;
                }
                _ => {}
            }
        }
        if has.map(|user| self.who(user)) != assignees.ended[group] || is_resolved != statuses.ended[group] {
            return Err(format!("its history does not end as it is: {entries:#?}"));
        }
        if assigned > assignees.ever(group).len() || moved > statuses.ever(group).len() {
            return Err(format!("more changes than anybody made: {entries:#?}"));
        }
        self.check_mentions(group, &to_tell, &entries)
    }

    /// Who was mentioned is among those to be told, in their order; the last of them, who still has it, is.
    fn check_mentions(&self, group: usize, to_tell: &[i64], entries: &[Value]) -> Result<(), String> {
        let account = |user: i64| self.scene.member(self.person(self.who(user))).discord;
        let mut mentioned = self.scene.mentioned(&self.groups[group]).into_iter().peekable();
        for user in to_tell {
            mentioned.next_if_eq(&account(*user));
        }
        match mentioned.next() {
            None => Ok(()),
            Some(other) => {
                let said = self.scene.pings(&self.groups[group]);
                Err(format!("{other} was mentioned without a change of theirs: {said:#?} {entries:#?}"))
            }
        }
    }
}
