//! Work items as JSON: for direct reads and for events, with people as objects or as text.

use serde_json::{Map, Value, json};

use super::dates;
use super::people::Directory;
use super::projects::Project;
use super::work_item::{Comment, FieldChange, FieldValue, Fields, RelationChanges, Revision, Update, WorkItem};

/// Fields that a snapshot leaves out unless they are asked for by name.
const HIDDEN: &[&str] = &["System.Rev", "System.Watermark", "System.AuthorizedDate", "System.RevisedDate"];

/// How people are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PersonForm {
    /// `Name <unique name>`.
    Text,
    /// `IdentityRef`.
    Object,
}

/// What of a work item is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Only these fields; all that are usual otherwise.
    pub(crate) fields: Option<Vec<String>>,
    /// With its links to other things.
    pub(crate) relations: bool,
}

/// Writes the work items of one project.
pub(crate) struct Renderer<'a> {
    pub(crate) people: &'a Directory,
    pub(crate) project: &'a Project,
    /// The collection's, with a trailing slash.
    pub(crate) base_url: &'a str,
    pub(crate) form: PersonForm,
}

impl Renderer<'_> {
    pub(crate) fn url(&self, item: &WorkItem) -> String {
        format!("{}{}/_apis/wit/workItems/{}", self.base_url, self.project.id, item.key.number)
    }

    /// One revision of a work item, as a direct read shows the item.
    pub(crate) fn work_item(&self, item: &WorkItem, revision: &Revision, selection: &Selection) -> Value {
        self.snapshot(item, revision, selection, self.url(item))
    }

    /// One entry of the list of revisions.
    pub(crate) fn revision(&self, item: &WorkItem, revision: &Revision) -> Value {
        let selection = Selection { fields: None, relations: true };
        let url = format!("{}/revisions/{}", self.url(item), revision.rev);
        self.snapshot(item, revision, &selection, url)
    }

    /// One entry of the list of updates, and the resource of `workitem.updated`: `id` is the number of
    /// the update.
    pub(crate) fn update(&self, item: &WorkItem, update: &Update) -> Value {
        let url = format!("{}/updates/{}", self.url(item), update.id);
        let superseded = item
            .updates
            .iter()
            .find(|later| later.id > update.id)
            .map_or_else(|| dates::NEVER.to_owned(), |later| dates::short(later.at_us));
        let mut value = json!({
            "id": update.id,
            "workItemId": item.key.number,
            "rev": update.rev,
            "revisedBy": self.revised_by(update),
            "revisedDate": superseded,
            "_links": {
                "self": {"href": url},
                "workItemUpdates": {"href": format!("{}/updates", self.url(item))},
                "parent": {"href": self.url(item)},
                "html": {"href": self.html_url(item)},
            },
            "url": url,
        });
        if let Some(object) = value.as_object_mut() {
            if !update.fields.is_empty() {
                object.insert("fields".into(), self.changed_fields(update));
            }
            if !update.relations.is_empty() {
                object.insert("relations".into(), relations(&update.relations));
            }
        }
        value
    }

    pub(crate) fn comment(&self, item: &WorkItem, comment: &Comment) -> Value {
        let by = self.person(comment.by, PersonForm::Object);
        json!({
            "workItemId": item.key.number,
            "id": comment.id,
            "version": 1,
            "text": comment.text,
            "createdBy": by,
            "createdDate": dates::short(comment.at_us),
            "modifiedBy": by,
            "modifiedDate": dates::short(comment.at_us),
            "url": format!("{}/comments/{}", self.url(item), comment.id),
        })
    }

    /// The flat work item: its number, a revision of it, and the fields.
    pub(crate) fn snapshot(&self, item: &WorkItem, revision: &Revision, selection: &Selection, url: String) -> Value {
        let mut value = json!({
            "id": item.key.number,
            "rev": revision.rev,
            "fields": self.fields(&revision.fields, selection.fields.as_deref()),
            "_links": {
                "self": {"href": url},
                "workItemUpdates": {"href": format!("{}/updates", self.url(item))},
                "workItemRevisions": {"href": format!("{}/revisions", self.url(item))},
                "workItemComments": {"href": format!("{}/comments", self.url(item))},
                "html": {"href": self.html_url(item)},
            },
            "url": url,
        });
        if let Some(object) = value.as_object_mut() {
            if selection.relations && !revision.relations.is_empty() {
                object.insert("relations".into(), revision.relations.clone().into());
            }
            if let (true, Some(comment)) = (revision.fields.contains_key("System.History"), item.comments.last()) {
                let url = format!("{}/comments/{}/versions/1", self.url(item), comment.id);
                object.insert("commentVersionRef".into(), json!({"commentId": comment.id, "version": 1, "url": url}));
            }
        }
        value
    }

    fn html_url(&self, item: &WorkItem) -> String {
        format!("{}{}/_workitems/edit/{}", self.base_url, self.project.id, item.key.number)
    }

    fn fields(&self, fields: &Fields, wanted: Option<&[String]>) -> Value {
        let visible = |name: &str| match wanted {
            Some(wanted) => wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)),
            None => !HIDDEN.contains(&name),
        };
        fields
            .iter()
            .filter(|(name, _)| visible(name))
            .map(|(name, value)| (name.clone(), self.value(value)))
            .collect::<Map<_, _>>()
            .into()
    }

    fn changed_fields(&self, update: &Update) -> Value {
        let change = |change: &FieldChange| {
            let mut sides = Map::new();
            if let Some(old) = &change.old {
                sides.insert("oldValue".into(), self.value(old));
            }
            if let Some(new) = &change.new {
                sides.insert("newValue".into(), self.value(new));
            }
            Value::Object(sides)
        };
        update.fields.iter().map(|(name, sides)| (name.clone(), change(sides))).collect::<Map<_, _>>().into()
    }

    fn value(&self, value: &FieldValue) -> Value {
        match value {
            FieldValue::Json(value) => value.clone(),
            FieldValue::Person(id) => self.person(*id, self.form),
        }
    }

    fn person(&self, id: super::ids::IdentityId, form: PersonForm) -> Value {
        let Some(identity) = self.people.get(id) else {
            return Value::Null;
        };
        match form {
            PersonForm::Text => identity.text().into(),
            PersonForm::Object => identity.reference(self.base_url),
        }
    }

    /// Who made an update is an object in every version, with the text form as `name`.
    fn revised_by(&self, update: &Update) -> Value {
        let mut value = self.person(update.by, PersonForm::Object);
        if let Some(object) = value.as_object_mut() {
            object.insert("name".into(), self.person(update.by, PersonForm::Text));
        }
        value
    }
}

fn relations(changes: &RelationChanges) -> Value {
    let mut sides = Map::new();
    for (name, side) in [("added", &changes.added), ("removed", &changes.removed)] {
        if !side.is_empty() {
            sides.insert(name.into(), side.clone().into());
        }
    }
    Value::Object(sides)
}
