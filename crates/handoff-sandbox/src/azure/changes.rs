//! Changing a work item: the rules of a new revision, for the API and for tests alike.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::dates;
use super::ids::IdentityId;
use super::projects::Process;
use super::refusal::Refusal;
use super::work_item::{
    Comment, FieldChange, FieldValue, Fields, RelationChanges, Revision, Update, WorkItem, difference,
};

/// Fields that the service keeps by itself; a caller may not set them.
const READ_ONLY: &[&str] = &[
    "System.Id",
    "System.Rev",
    "System.Watermark",
    "System.TeamProject",
    "System.WorkItemType",
    "System.CreatedDate",
    "System.CreatedBy",
    "System.ChangedDate",
    "System.ChangedBy",
    "System.AuthorizedDate",
    "System.RevisedDate",
    "System.CommentCount",
];

/// A change to one work item, which becomes one update and, unless it is of links alone, one
/// revision.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub(crate) fields: BTreeMap<String, Option<FieldValue>>,
    pub(crate) links_added: Vec<Value>,
    /// Positions in the present list of links.
    pub(crate) links_removed: Vec<usize>,
    pub(crate) by: Option<IdentityId>,
}

impl Changes {
    /// Gives the field a value.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) -> &mut Self {
        self.put(field, Some(FieldValue::Json(value.into())))
    }

    /// Takes the field's value away.
    pub fn clear(&mut self, field: &str) -> &mut Self {
        self.put(field, None)
    }

    /// Assigns anyone, even someone inactive or a group, whom the API would refuse.
    pub fn assign(&mut self, identity: IdentityId) -> &mut Self {
        self.put("System.AssignedTo", Some(FieldValue::Person(identity)))
    }

    /// Leaves the work item to nobody.
    pub fn unassign(&mut self) -> &mut Self {
        self.clear("System.AssignedTo")
    }

    /// Moves it to a state.
    pub fn state(&mut self, state: &str) -> &mut Self {
        self.set("System.State", state)
    }

    /// Renames it.
    pub fn title(&mut self, title: &str) -> &mut Self {
        self.set("System.Title", title)
    }

    /// Adds to the discussion.
    pub fn comment(&mut self, html: &str) -> &mut Self {
        self.set("System.History", html)
    }

    /// Adds a hyperlink.
    pub fn hyperlink(&mut self, url: &str) -> &mut Self {
        self.links_added.push(json!({"rel": "Hyperlink", "url": url, "attributes": {}}));
        self
    }

    /// Who does it; the simulator's own administrator otherwise.
    pub fn by(&mut self, identity: IdentityId) -> &mut Self {
        self.by = Some(identity);
        self
    }

    pub(crate) fn put(&mut self, field: &str, value: Option<FieldValue>) -> &mut Self {
        self.fields.insert(field.to_owned(), value);
        self
    }

    /// Refuses fields that a caller may not write.
    pub(crate) fn check_writable(&self) -> Result<(), Refusal> {
        let read_only = self.fields.keys().find(|field| READ_ONLY.contains(&field.as_str()));
        match read_only {
            Some(field) => Err(Refusal::invalid_field(
                field,
                format!("TF401326: Invalid field status 'ReadOnly' for field '{field}'."),
            )),
            None => Ok(()),
        }
    }
}

/// Who changes something, when, and the number of the change in the whole collection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) by: IdentityId,
    pub(crate) at_us: i64,
    pub(crate) watermark: i64,
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Somebody said something.
    pub(crate) commented: bool,
}

/// Applies a change. Nothing that differs means no update, as in Azure DevOps.
pub(crate) fn apply(
    item: &mut WorkItem,
    process: Process,
    changes: &Changes,
    moment: Moment,
) -> Result<Option<Applied>, Refusal> {
    let before = item.latest().clone();
    let mut fields = before.fields.clone();
    fields.remove("System.History");
    merge(&mut fields, &changes.fields);
    check_fields(&fields, process)?;
    let (relations, relation_changes) = relink(&before.relations, changes)?;
    let update_id = item.updates.last().map_or(1, |update| update.id + 1);

    if difference(&before.fields, &fields).is_empty() {
        if relation_changes.is_empty() {
            return Ok(None);
        }
        item.latest_mut().relations = relations;
        item.updates.push(Update {
            id: update_id,
            rev: before.rev,
            by: moment.by,
            at_us: moment.at_us,
            fields: BTreeMap::new(),
            relations: relation_changes,
        });
        return Ok(Some(Applied { commented: false }));
    }

    let comment = fields.get("System.History").and_then(FieldValue::as_str).map(ToOwned::to_owned);
    if let Some(text) = &comment {
        item.comments.push(Comment {
            id: item.comments.last().map_or(1, |comment| comment.id + 1),
            text: text.clone(),
            by: moment.by,
            at_us: moment.at_us,
        });
    }
    let rev = before.rev + 1;
    stamp(&mut fields, rev, item.comments.len(), moment);
    if fields.get("System.State") != before.fields.get("System.State") {
        fields.insert("Microsoft.VSTS.Common.StateChangeDate".into(), dates::short(moment.at_us).into());
    }
    let mut changed = difference(&before.fields, &fields);
    changed.insert(
        "System.RevisedDate".into(),
        FieldChange { old: Some(dates::short(moment.at_us).into()), new: Some(dates::NEVER.into()) },
    );
    item.updates.push(Update {
        id: update_id,
        rev,
        by: moment.by,
        at_us: moment.at_us,
        fields: changed,
        relations: relation_changes,
    });
    item.later.push(Revision { rev, at_us: moment.at_us, fields, relations });
    Ok(Some(Applied { commented: comment.is_some() }))
}

/// The first snapshot of a work item, from what the caller gave.
pub(crate) fn first_snapshot(
    type_name: &'static str,
    process: Process,
    project_name: &str,
    changes: &Changes,
    moment: Moment,
) -> Result<Fields, Refusal> {
    let initial_state =
        process.work_item_type(type_name).and_then(|(_, states)| states.first()).map_or("New", |state| state.name);
    let created = dates::short(moment.at_us);
    let mut fields: Fields = [
        ("System.AreaPath", project_name.into()),
        ("System.TeamProject", project_name.into()),
        ("System.IterationPath", project_name.into()),
        ("System.WorkItemType", type_name.into()),
        ("System.State", initial_state.into()),
        ("System.Reason", "New".into()),
        ("System.CreatedDate", created.clone().into()),
        ("System.CreatedBy", FieldValue::Person(moment.by)),
        ("Microsoft.VSTS.Common.StateChangeDate", created.into()),
        ("Microsoft.VSTS.Common.Priority", 2.into()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    merge(&mut fields, &changes.fields);
    if fields.get("System.Title").and_then(FieldValue::as_str).is_none_or(str::is_empty) {
        return Err(Refusal::invalid_field(
            "System.Title",
            "TF401320: Rule Error for field Title. Error code: Required, InvalidEmpty.",
        ));
    }
    check_fields(&fields, process)?;
    let comments = usize::from(fields.contains_key("System.History"));
    stamp(&mut fields, 1, comments, moment);
    Ok(fields)
}

/// The fields that every revision carries.
fn stamp(fields: &mut Fields, rev: i64, comments: usize, moment: Moment) {
    let now = dates::short(moment.at_us);
    let stamps: [(&str, FieldValue); 7] = [
        ("System.Rev", rev.into()),
        ("System.Watermark", moment.watermark.into()),
        ("System.AuthorizedDate", now.clone().into()),
        ("System.RevisedDate", dates::NEVER.into()),
        ("System.ChangedDate", now.into()),
        ("System.ChangedBy", FieldValue::Person(moment.by)),
        ("System.CommentCount", comments.into()),
    ];
    for (name, value) in stamps {
        fields.insert(name.to_owned(), value);
    }
}

/// An empty text is no value.
fn merge(fields: &mut Fields, changes: &BTreeMap<String, Option<FieldValue>>) {
    for (name, value) in changes {
        match value {
            Some(FieldValue::Json(Value::String(text))) if text.is_empty() => fields.remove(name),
            Some(value) => fields.insert(name.clone(), value.clone()),
            None => fields.remove(name),
        };
    }
}

fn check_fields(fields: &Fields, process: Process) -> Result<(), Refusal> {
    let text = |name: &str| fields.get(name).and_then(FieldValue::as_str).unwrap_or_default();
    let states = process.work_item_type(text("System.WorkItemType")).map_or(&[][..], |(_, states)| states);
    if states.iter().any(|state| state.name == text("System.State")) {
        return Ok(());
    }
    Err(Refusal {
        type_key: "RuleValidationException",
        ..Refusal::invalid_field(
            "System.State",
            format!(
                "The field 'State' contains the value '{}' that is not in the list of supported values",
                text("System.State")
            ),
        )
    })
}

fn relink(present: &[Value], changes: &Changes) -> Result<(Vec<Value>, RelationChanges), Refusal> {
    if changes.links_removed.iter().any(|position| *position >= present.len()) {
        return Err(Refusal::bad_request("WorkItemPatchException", "The relation to remove does not exist."));
    }
    let mut relations: Vec<Value> = present
        .iter()
        .enumerate()
        .filter(|(position, _)| !changes.links_removed.contains(position))
        .map(|(_, relation)| relation.clone())
        .collect();
    let duplicate = changes
        .links_added
        .iter()
        .any(|added| relations.iter().any(|known| known["rel"] == added["rel"] && known["url"] == added["url"]));
    if duplicate {
        return Err(Refusal::bad_request(
            "RelationAlreadyExistsException",
            "TF201036: You cannot add a link that already exists.",
        ));
    }
    relations.extend(changes.links_added.iter().cloned());
    let change = RelationChanges {
        added: changes.links_added.clone(),
        removed: present
            .iter()
            .enumerate()
            .filter(|(position, _)| changes.links_removed.contains(position))
            .map(|(_, relation)| relation.clone())
            .collect(),
    };
    Ok((relations, change))
}
