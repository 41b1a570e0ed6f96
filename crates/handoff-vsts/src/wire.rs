//! What Azure DevOps sends, as far as we read it: nothing is required, and any field may have any type.
//!
//! Sources: the 7.1 descriptions of the REST API, and payloads of service-hook resource versions 1.0
//! (people as text) and later (people as objects), from the cloud and from Servers.

use crate::json::Loose;
use handoff_domain::person::Person;
use serde::Deserialize;

/// An event of a service hook, with as much of its resource as the reader wants.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "R: Deserialize<'de> + Default"))]
pub(crate) struct Event<R> {
    pub(crate) id: Loose,
    pub(crate) event_type: Loose,
    pub(crate) resource: Loose<R>,
    pub(crate) resource_containers: Loose<Containers>,
}

/// Where an event is from. Cloud and Server have these two in common.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Containers {
    pub(crate) collection: Loose<Container>,
    pub(crate) project: Loose<Container>,
}

/// One of them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Container {
    pub(crate) id: Loose,
    /// With the collection's path; absent in the sample of "Test".
    pub(crate) base_url: Loose,
}

/// The numbers of a resource. Of an update, `id` is the update's and `work_item_id` the work item's;
/// of every other event, `id` is the work item's.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ResourceNumbers {
    pub(crate) id: Loose,
    pub(crate) work_item_id: Loose,
    pub(crate) url: Loose,
}

/// The resource of `workitem.updated`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Update {
    pub(crate) work_item_id: Loose,
    pub(crate) rev: Loose,
    pub(crate) revised_by: Loose<Identity>,
    /// The work item after the update.
    pub(crate) revision: Loose<WorkItem>,
    #[serde(rename = "_links")]
    pub(crate) links: Loose<Links>,
}

/// A work item: read directly, inside an update, or as the resource of the other events.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WorkItem {
    pub(crate) id: Loose,
    pub(crate) rev: Loose,
    pub(crate) fields: Loose<Fields>,
    #[serde(rename = "_links")]
    pub(crate) links: Loose<Links>,
    pub(crate) url: Loose,
}

/// The fields that we read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fields {
    #[serde(rename = "System.Title")]
    pub(crate) title: Loose,
    #[serde(rename = "System.WorkItemType")]
    pub(crate) work_item_type: Loose,
    #[serde(rename = "System.State")]
    pub(crate) state: Loose,
    #[serde(rename = "System.AssignedTo")]
    pub(crate) assigned_to: Loose<Identity>,
    #[serde(rename = "System.AreaPath")]
    pub(crate) area_path: Loose,
    #[serde(rename = "System.Tags")]
    pub(crate) tags: Loose,
    #[serde(rename = "System.ChangedBy")]
    pub(crate) changed_by: Loose<Identity>,
    #[serde(rename = "System.ChangedDate")]
    pub(crate) changed_date: Loose,
    #[serde(rename = "System.TeamProject")]
    pub(crate) team_project: Loose,
}

/// The names of the fields above, to ask for no others.
pub(crate) const FIELDS: [&str; 9] = [
    "System.Title",
    "System.WorkItemType",
    "System.State",
    "System.AssignedTo",
    "System.AreaPath",
    "System.Tags",
    "System.ChangedBy",
    "System.ChangedDate",
    "System.TeamProject",
];

/// Links to other forms of the same thing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Links {
    pub(crate) html: Loose<Link>,
}

/// One of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Link {
    pub(crate) href: Loose,
}

/// A person as an object: `IdentityRef`, or `revisedBy` of an update, whose `name` is the text form.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Identity {
    pub(crate) id: Loose,
    pub(crate) unique_name: Loose,
    pub(crate) display_name: Loose,
    pub(crate) name: Loose,
    pub(crate) is_container: Loose,
}

/// A value that should be a person but names none that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAPerson;

impl Identity {
    fn person(&self) -> Result<Option<Person>, NotAPerson> {
        let named = self.name.text().and_then(Person::from_text);
        let named = named.as_ref();
        let unique = self.unique_name.text().or_else(|| named.and_then(|person| person.unique_name.as_deref()));
        let display = self.display_name.text().or_else(|| named.map(|person| person.display_name.as_str()));
        let id = self.id.text().filter(|id| !uuid::Uuid::try_parse(id).is_ok_and(|id| id.is_nil()));
        let person = Person::from_identity(id, unique, display, self.is_container.is_true());
        let blank = [&self.id, &self.unique_name, &self.display_name, &self.name].into_iter().all(Loose::is_blank);
        if person.is_none() && !blank { Err(NotAPerson) } else { Ok(person) }
    }
}

impl Loose<Identity> {
    /// The person in any of the forms; absent, null, blank and `{}` are nobody.
    pub(crate) fn person(&self) -> Result<Option<Person>, NotAPerson> {
        match self {
            Self::Nothing => Ok(None),
            Self::Text(text) => Ok(Person::from_text(text)),
            Self::Object(identity) => identity.person(),
            Self::Integer(_) | Self::Flag(_) | Self::Other => Err(NotAPerson),
        }
    }
}

/// A subscription as it reads back.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Subscription {
    pub(crate) id: Loose,
    pub(crate) status: Loose,
    pub(crate) consumer_id: Loose,
    pub(crate) consumer_inputs: Loose<ConsumerInputs>,
}

/// Where a subscription delivers to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConsumerInputs {
    pub(crate) url: Loose,
}

/// The answer to a query for subscriptions: the query, with what it found.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SubscriptionsFound {
    pub(crate) results: Option<Vec<Loose<Subscription>>>,
}

/// A list as it arrives on the wire.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(crate) struct List<T> {
    pub(crate) value: Vec<Loose<T>>,
}

/// A project.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Project {
    pub(crate) id: Loose,
    pub(crate) name: Loose,
}

/// The newest comments of a work item.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Comments {
    pub(crate) comments: Option<Vec<Loose<Comment>>>,
}

/// One of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Comment {
    pub(crate) text: Loose,
}

/// A state of a type of work item.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    pub(crate) name: Loose,
    pub(crate) category: Loose,
}

/// Who answers at an address.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ConnectionData {
    /// The collection.
    pub(crate) instance_id: Loose,
    /// The Server or cloud unit around it.
    pub(crate) deployment_id: Loose,
}

/// The body of a refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Refusal {
    pub(crate) message: Loose,
    pub(crate) type_key: Loose,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(json: &str) -> Result<Option<Person>, NotAPerson> {
        serde_json::from_str::<Loose<Identity>>(json).unwrap().person()
    }

    fn known(id: Option<&str>, unique: Option<&str>, shown: &str) -> Result<Option<Person>, NotAPerson> {
        Ok(Some(Person {
            identity_id: id.map(ToOwned::to_owned),
            unique_name: unique.map(ToOwned::to_owned),
            display_name: shown.to_owned(),
            is_container: false,
        }))
    }

    #[test]
    fn a_person_is_read_in_every_form() {
        let id = "d291b0c4-a05c-4ea6-8df1-4b41d5f39eff";
        for (json, expected) in [
            ("null".to_owned(), Ok(None)),
            (r#""""#.to_owned(), Ok(None)),
            (r#"" ""#.to_owned(), Ok(None)),
            ("{}".to_owned(), Ok(None)),
            (r#"{"displayName":"","id":null}"#.to_owned(), Ok(None)),
            (r#""Ada <ADA@example.org>""#.to_owned(), known(None, Some("ada@example.org"), "Ada")),
            (r#""Ada <X> <ada@example.org>""#.to_owned(), known(None, Some("ada@example.org"), "Ada <X>")),
            (r#""Ada <FABRIKAM\\ada>""#.to_owned(), known(None, Some(r"fabrikam\ada"), "Ada")),
            (r#""Ada Lovelace""#.to_owned(), known(None, None, "Ada Lovelace")),
            (r#""ada@example.org""#.to_owned(), known(None, Some("ada@example.org"), "ada@example.org")),
            (
                format!(r#"{{"displayName":"Ada","uniqueName":"Ada@example.org","id":"{}"}}"#, id.to_uppercase()),
                known(Some(id), Some("ada@example.org"), "Ada"),
            ),
            (
                format!(r#"{{"name":"Ada <ada@example.org>","id":"{id}","url":"x"}}"#),
                known(Some(id), Some("ada@example.org"), "Ada"),
            ),
            (
                r#"{"displayName":"Ada","id":"00000000-0000-0000-0000-000000000000"}"#.to_owned(),
                known(None, None, "Ada"),
            ),
            (r#"{"displayName":"Ada\u0000\nL"}"#.to_owned(), known(None, None, "Ada  L")),
            (r#"{"displayName":5}"#.to_owned(), Err(NotAPerson)),
            ("5".to_owned(), Err(NotAPerson)),
            ("[]".to_owned(), Err(NotAPerson)),
            ("true".to_owned(), Err(NotAPerson)),
        ] {
            assert_eq!(person(&json), expected, "{json}");
        }
    }

    #[test]
    fn a_group_of_people_is_told_apart() {
        let group = person(r#"{"displayName":"[Payments]\\Everyone","id":"x","isContainer":true}"#);
        assert!(group.unwrap().unwrap().is_container);
    }
}
