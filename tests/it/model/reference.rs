//! The reference: what the rules say of one field (the assignee, or the status) at rest, worked out from who
//! decided what when, and from the work items' own histories. It knows nothing of the service.
//!
//! The latest decision wins. What a work item says counts at the time of its revision; where several
//! revisions became known at once, only the last of them may have been seen, and it may count at the time of
//! any of them up to the last: there the reference accepts whatever all sides agree on.

use std::collections::BTreeSet;
use std::fmt::Debug;

/// What two clocks may differ by, with the second that Azure DevOps cuts off its `Date`.
pub(super) const TOLERANCE_US: i64 = 3_100_000;

/// A decision that was made here and changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Local<V> {
    pub(super) group: usize,
    pub(super) value: V,
    pub(super) at_us: i64,
}

/// A link that was made, and the work item's revision then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Linked {
    pub(super) group: usize,
    pub(super) item: usize,
    pub(super) at_us: i64,
    pub(super) rev: i64,
}

/// A revision that gave the field another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said<V> {
    pub(super) rev: i64,
    pub(super) at_us: i64,
    /// Whether we wrote it.
    pub(super) ours: bool,
    /// What it means here; `None` for somebody who is nobody here.
    pub(super) value: Option<V>,
    /// The value in the work item's own words.
    pub(super) raw: String,
}

/// A work item's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct History<V> {
    /// The revisions that changed the field, from the first on.
    pub(super) said: Vec<Said<V>>,
    /// Every revision, and when it was made.
    pub(super) revisions: Vec<(i64, i64)>,
    /// The revisions that were the newest ones known here, each time that somebody looked.
    pub(super) known: Vec<i64>,
}

/// Everything about one field.
#[derive(Debug, Clone)]
pub(super) struct Field<V> {
    pub(super) name: &'static str,
    pub(super) locals: Vec<Local<V>>,
    pub(super) links: Vec<Linked>,
    pub(super) items: Vec<History<V>>,
    /// What each group began and ended with.
    pub(super) began: V,
    pub(super) ended: Vec<V>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Beginning,
    Here,
    /// What a work item said when it was linked.
    Baseline {
        item: usize,
    },
    /// Our own write to a work item, for another group.
    Echo {
        item: usize,
        rev: i64,
    },
    There {
        item: usize,
        rev: i64,
    },
}

/// Something that a group may have heard, and when it may count as decided.
#[derive(Debug, Clone)]
struct Event<V> {
    origin: Origin,
    value: V,
    from_us: i64,
    until_us: i64,
    /// Whether it cannot have been missed.
    certain: bool,
}

impl Origin {
    const fn item(self) -> Option<usize> {
        match self {
            Self::Beginning | Self::Here => None,
            Self::Baseline { item } | Self::Echo { item, .. } | Self::There { item, .. } => Some(item),
        }
    }

    /// Where it stands in its work item's own order.
    const fn rev(self) -> i64 {
        match self {
            Self::Beginning | Self::Here | Self::Baseline { .. } => 0,
            Self::Echo { rev, .. } | Self::There { rev, .. } => rev,
        }
    }

    /// Whether its time is that of a work item's revision, by another clock than ours.
    const fn is_there(self) -> bool {
        matches!(self, Self::There { .. })
    }
}

impl<V: Copy> Event<V> {
    /// What others hear of a decision through a work item.
    const fn echo(item: usize, rev: i64, local: &Local<V>, certain: bool) -> Self {
        let origin = Origin::Echo { item, rev };
        Self { origin, value: local.value, from_us: local.at_us, until_us: local.at_us, certain }
    }

    /// Whether nothing of this can stand against the other.
    fn is_surely_before(&self, other: &Self) -> bool {
        if !other.certain {
            return false;
        }
        if let (Some(one), Some(another)) = (self.origin.item(), other.origin.item())
            && one == another
        {
            // A work item's own order is that of its revisions.
            return self.origin.rev() < other.origin.rev();
        }
        let tolerance = if self.origin.is_there() || other.origin.is_there() { TOLERANCE_US } else { 0 };
        self.until_us + tolerance < other.from_us
    }
}

impl<V> History<V> {
    /// The revisions that became known together with this one: from what was known before to what was known
    /// then.
    fn jump(&self, rev: i64) -> (i64, i64) {
        let before = self.known.iter().copied().filter(|known| *known < rev).max().unwrap_or(0);
        let then = self.known.iter().copied().filter(|known| *known >= rev).min().unwrap_or(i64::MAX);
        (before, then)
    }

    fn made_at(&self, rev: i64) -> i64 {
        self.revisions.iter().filter(|(one, _)| *one <= rev).map(|(_, at_us)| *at_us).max().unwrap_or(0)
    }

    /// What it said at a revision.
    fn at(&self, rev: i64) -> &Said<V> {
        self.said.iter().rev().find(|said| said.rev <= rev).unwrap_or(&self.said[0])
    }

    fn last(&self) -> &Said<V> {
        &self.said[self.said.len() - 1]
    }

    /// Whether this change was surely noticed: the last of those that became known with it, and neither what
    /// was known before nor what we wrote meanwhile.
    fn is_noticed(&self, said: &Said<V>) -> bool {
        let (before, then) = self.jump(said.rev);
        let together = self.said.iter().filter(|one| one.rev > before && one.rev <= then);
        let (mut is_last, mut is_mistaken) = (true, self.at(before).raw == said.raw && before > 0);
        for one in together.filter(|one| one.rev != said.rev) {
            is_last &= one.rev < said.rev;
            is_mistaken |= one.ours && one.raw == said.raw;
        }
        is_last && !is_mistaken
    }
}

impl<V: Copy + Eq + Debug> Field<V> {
    /// What is against the rules, in words.
    pub(super) fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        for group in 0..self.ended.len() {
            self.judge_group(group, &mut found);
        }
        for item in 0..self.items.len() {
            self.judge_writes(item, &mut found);
            self.judge_item(item, &mut found);
        }
        found.into_iter().map(|text| format!("{}: {text}", self.name)).collect()
    }

    /// The values that a group may have had at any time.
    pub(super) fn ever(&self, group: usize) -> Vec<V> {
        let own = self.locals.iter().filter(|local| local.group == group).map(|local| local.value);
        own.chain(self.events(group).into_iter().map(|event| event.value)).collect()
    }

    fn link(&self, group: usize, item: usize) -> Option<&Linked> {
        self.links.iter().find(|link| (link.group, link.item) == (group, item))
    }

    fn links_of_group(&self, group: usize) -> impl Iterator<Item = &Linked> {
        self.links.iter().filter(move |link| link.group == group)
    }

    fn links_of_item(&self, item: usize) -> impl Iterator<Item = &Linked> {
        self.links.iter().filter(move |link| link.item == item)
    }

    /// Whether a decision was made after its group was linked with the work item.
    fn hears_of(&self, item: usize, local: &Local<V>) -> bool {
        self.link(local.group, item).is_some_and(|link| link.at_us < local.at_us)
    }

    /// The decision that a write of ours carries: the latest of this value that the work item hears of.
    fn carried(&self, item: usize, write: &Said<V>) -> Option<&Local<V>> {
        let of_item = |local: &&Local<V>| {
            self.hears_of(item, local) && write.value == Some(local.value) && local.at_us < write.at_us
        };
        self.locals.iter().filter(of_item).max_by_key(|local| local.at_us)
    }

    /// Everything that a group may have heard.
    fn events(&self, group: usize) -> Vec<Event<V>> {
        let beginning = Event {
            origin: Origin::Beginning,
            value: self.began,
            from_us: i64::MIN / 2,
            until_us: i64::MIN / 2,
            certain: true,
        };
        let mut events = vec![beginning];
        if let Some(last) = self.locals.iter().rfind(|local| local.group == group) {
            events.push(Event {
                origin: Origin::Here,
                value: last.value,
                from_us: last.at_us,
                until_us: last.at_us,
                certain: true,
            });
        }
        for link in self.links_of_group(group) {
            events.extend(self.events_of(link));
        }
        // What came from one work item before another one named somebody unknown may have come too late.
        let unknown = self.last_unknown(group);
        for event in &mut events {
            if let (Some(item), Some((by, at_us))) = (event.origin.item(), unknown) {
                event.certain &= item == by || event.from_us > at_us;
            }
        }
        events
    }

    fn last_unknown(&self, group: usize) -> Option<(usize, i64)> {
        let all = self.links_of_group(group).flat_map(|link| {
            let history = &self.items[link.item];
            let since = history.said.iter().filter(|said| said.rev > link.rev && said.value.is_none());
            let first = history.at(link.rev).value.is_none().then_some((link.item, link.at_us));
            since.map(|said| (link.item, history.made_at(history.jump(said.rev).1))).chain(first)
        });
        all.max_by_key(|(_, at_us)| *at_us)
    }

    fn events_of(&self, link: &Linked) -> Vec<Event<V>> {
        let (item, history) = (link.item, &self.items[link.item]);
        let baseline = history.at(link.rev).value.map(|value| Event {
            origin: Origin::Baseline { item },
            value,
            from_us: link.at_us,
            until_us: link.at_us,
            certain: true,
        });
        let since = history.said.iter().filter(|said| said.rev > link.rev).filter_map(|said| {
            let value = said.value?;
            let certain = history.is_noticed(said);
            let upto_us = history.made_at(history.jump(said.rev).1);
            let carried = self.carried(item, said).filter(|_| said.ours);
            Some(match carried {
                // Its own decision is no news to it.
                Some(local) if local.group == link.group => return None,
                Some(local) => Event::echo(item, said.rev, local, certain),
                None => {
                    let origin = Origin::There { item, rev: said.rev };
                    let certain = certain && (said.ours || !self.is_waited_for(item, said));
                    Event { origin, value, from_us: said.at_us, until_us: upto_us, certain }
                }
            })
        });
        baseline.into_iter().chain(since).chain(self.affirmations(link)).collect()
    }

    /// Whether the write of a decision may have waited when somebody there made the same change themselves:
    /// that cannot be told from its echo, and counts as the decision.
    fn is_waited_for(&self, item: usize, said: &Said<V>) -> bool {
        let written = self.items[item].said.iter().filter(|one| one.ours && one.rev < said.rev);
        let written: Vec<_> = written.filter_map(|one| self.carried(item, one)).collect();
        let later = Said { at_us: said.at_us + TOLERANCE_US, ..said.clone() };
        self.carried(item, &later).is_some_and(|local| !written.contains(&local))
    }

    /// Decisions of the work item's other groups with which it may have agreed before anything was written.
    fn affirmations(&self, link: &Linked) -> Vec<Event<V>> {
        let (item, history) = (link.item, &self.items[link.item]);
        let mut events = Vec::new();
        for (n, said) in history.said.iter().enumerate() {
            let until_us = history.said.get(n + 1).map_or(i64::MAX, |next| next.at_us + TOLERANCE_US);
            let agrees = |local: &&Local<V>| {
                local.group != link.group && said.value == Some(local.value) && local.at_us < until_us
            };
            let heard = self.locals.iter().filter(agrees).filter(|local| self.hears_of(item, local));
            events.extend(heard.map(|local| Event::echo(item, said.rev, local, false)));
        }
        events
    }

    /// What may have been the group's last word.
    fn last_words(&self, group: usize) -> Vec<Event<V>> {
        let events = self.events(group);
        let stands = |event: &&Event<V>| !events.iter().any(|other| event.is_surely_before(other));
        events.iter().filter(stands).cloned().collect()
    }

    fn judge_group(&self, group: usize, found: &mut Vec<String>) {
        let ended = self.ended[group];
        let words = self.last_words(group);
        if !words.iter().any(|event| event.value == ended) {
            found.push(format!("group {group} ended with {ended:?}, though its last word is of {words:?}"));
        }
        let links: Vec<&Linked> = self.links_of_group(group).collect();
        let there: Vec<Option<V>> = links.iter().map(|link| self.items[link.item].last().value).collect();
        if !there.contains(&Some(ended)) && !there.contains(&None) {
            let items: BTreeSet<usize> = links.iter().map(|link| link.item).collect();
            found.push(format!("group {group} ended with {ended:?}, its work items {items:?} with {there:?}"));
        }
    }

    /// We wrote nothing that was not decided here after the last word there, and nothing twice.
    fn judge_writes(&self, item: usize, found: &mut Vec<String>) {
        let history = &self.items[item];
        let mut last_there: Option<&Said<V>> = None;
        for said in &history.said {
            if !said.ours {
                if history.is_noticed(said) {
                    last_there = Some(said);
                }
                continue;
            }
            match (self.carried(item, said), last_there) {
                (None, _) => found.push(format!("work item {item}: nobody decided what we wrote: {said:?}")),
                (Some(local), Some(there)) if there.rev > 1 && local.at_us <= there.at_us => {
                    found.push(format!("work item {item}: we wrote {said:?} for {local:?} over {there:?}"));
                }
                _ => {}
            }
        }
        let decisions = self.locals.iter().filter(|local| self.hears_of(item, local)).count();
        let writes = history.said.iter().filter(|said| said.ours).count();
        if writes > decisions {
            found.push(format!("work item {item}: {writes} writes for {decisions} decisions"));
        }
    }

    /// What was decided here last, after everything that the work item said, is in the work item.
    fn judge_item(&self, item: usize, found: &mut Vec<String>) {
        let history = &self.items[item];
        let mut last: Option<&Local<V>> = None;
        let mut others_until_us = i64::MIN;
        for link in self.links_of_item(item) {
            let mut words = self.last_words(link.group);
            words.retain(|event| event.value == self.ended[link.group]);
            let own = self.locals.iter().rfind(|local| local.group == link.group && local.at_us > link.at_us);
            let is_own = |event: &Event<V>| event.origin == Origin::Here && own.is_some();
            match own {
                Some(own) if !words.is_empty() && words.iter().all(is_own) => {
                    last = last.filter(|last| last.at_us > own.at_us).or(Some(own));
                }
                Some(own) if words.iter().any(is_own) => others_until_us = others_until_us.max(own.at_us),
                _ => {}
            }
        }
        for said in history.said.iter().filter(|said| !said.ours && said.rev > 1) {
            let until_us = history.made_at(history.jump(said.rev).1);
            others_until_us = others_until_us.max(until_us + TOLERANCE_US);
        }
        let Some(last) = last.filter(|last| last.at_us > others_until_us) else { return };
        if history.last().value != Some(last.value) {
            found.push(format!("work item {item} ended with {:?}, after {last:?}", history.last()));
        }
    }
}
