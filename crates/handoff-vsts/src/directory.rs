//! Looking people up in the directory by their address, and remembering for a while what was found.

use crate::address::CollectionAddress;
use crate::json::Loose;
use handoff_domain::id::InstallationId;
use handoff_domain::person::Person;
use handoff_domain::text::EmailAddress;
use handoff_domain::time::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long somebody who was found is remembered.
const FOUND_FOR: Duration = Duration::from_secs(600);
/// How long it is remembered that nobody was found: somebody may be adding them just now.
const MISSED_FOR: Duration = Duration::from_secs(30);
/// Look-ups remembered; past this they are made afresh.
const MAX_REMEMBERED: usize = 10_000;

/// Who looked for which address.
type LookUp = (InstallationId, EmailAddress);

/// What was found, and when.
#[derive(Default)]
pub(crate) struct Directory {
    remembered: Mutex<HashMap<LookUp, (Timestamp, Vec<Person>)>>,
}

impl Directory {
    pub(crate) fn remembered(&self, of: InstallationId, address: &EmailAddress, now: Timestamp) -> Option<Vec<Person>> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let (found_at, people) = remembered.get(&(of, address.clone()))?;
        let lasts = if people.is_empty() { MISSED_FOR } else { FOUND_FOR };
        (found_at.plus(lasts) > now).then(|| people.clone())
    }

    pub(crate) fn remember(&self, of: InstallationId, address: &EmailAddress, people: &[Person], now: Timestamp) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert((of, address.clone()), (now, people.to_vec()));
    }
}

/// By what an address is looked for, in order: a mail address may differ from the sign-in name.
pub(crate) const FILTERS: [&str; 2] = ["MailAddress", "AccountName"];

/// The path of a look-up (description of Identities, Read Identities).
pub(crate) fn search(filter: &str, address: &EmailAddress) -> String {
    let value = utf8_percent_encode(address.as_str(), NON_ALPHANUMERIC);
    format!("_apis/identities?searchFilter={filter}&filterValue={value}&queryMembership=None")
}

/// In the cloud the directory is at an address of its own; on a Server it is below the collection's.
pub(crate) fn directory_of(collection: &CollectionAddress) -> CollectionAddress {
    let (cloud, old_cloud) = ("https://dev.azure.com/", ".visualstudio.com/");
    let url = if collection.url.starts_with(cloud) {
        collection.url.replacen(cloud, "https://vssps.dev.azure.com/", 1)
    } else {
        collection.url.replacen(old_cloud, ".vssps.visualstudio.com/", 1)
    };
    CollectionAddress { url, ..collection.clone() }
}

/// Somebody of the directory.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Found {
    id: Loose,
    provider_display_name: Loose,
    is_active: Loose,
    is_container: Loose,
    properties: Loose<Properties>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Properties {
    #[serde(rename = "Account")]
    account: Loose<Property>,
    #[serde(rename = "Mail")]
    mail: Loose<Property>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Property {
    #[serde(rename = "$value")]
    value: Loose,
}

fn text(property: &Loose<Property>) -> Option<&str> {
    match property {
        Loose::Object(property) => property.value.text(),
        Loose::Text(text) => Some(text),
        _ => None,
    }
}

impl Found {
    /// The person, if it is an active one who has exactly this address.
    pub(crate) fn with_address(&self, address: &EmailAddress) -> Option<Person> {
        let properties = self.properties.object();
        let account = properties.and_then(|found| text(&found.account));
        let mail = properties.and_then(|found| text(&found.mail));
        let theirs = [account, mail].into_iter().flatten();
        let exact = theirs.filter_map(|one| EmailAddress::parse(one).ok()).any(|one| one == *address);
        let gone = matches!(self.is_active, Loose::Flag(false));
        if !exact || gone || self.is_container.is_true() {
            return None;
        }
        Person::from_identity(self.id.text(), account, self.provider_display_name.text(), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection(url: &str) -> CollectionAddress {
        CollectionAddress { url: url.to_owned(), host: "host".to_owned(), name: "contoso".to_owned() }
    }

    #[test]
    fn the_directory_is_where_each_kind_of_collection_has_it() {
        for (given, expected) in [
            ("https://dev.azure.com/contoso/", "https://vssps.dev.azure.com/contoso/"),
            ("https://contoso.visualstudio.com/", "https://contoso.vssps.visualstudio.com/"),
            ("https://tfs.contoso.com/tfs/Default/", "https://tfs.contoso.com/tfs/Default/"),
        ] {
            assert_eq!(directory_of(&collection(given)).url, expected);
        }
    }

    #[test]
    fn only_an_active_person_with_exactly_the_address_is_taken() {
        let address = EmailAddress::parse("ada@x.org").unwrap();
        let found = |json: &str| serde_json::from_str::<Found>(json).unwrap().with_address(&address);
        let guest = r#"{"id":"G","properties":{"Account":{"$value":"a_x.org#EXT#@t"},"Mail":{"$value":"ADA@x.org"}}}"#;
        let guest = found(guest).unwrap();
        assert_eq!((guest.identity_id.as_deref(), guest.unique_name.as_deref()), (Some("g"), Some("a_x.org#ext#@t")));
        for nobody in [
            "{}",
            r#"{"id":"G","properties":{"Mail":{"$value":"bada@x.org"}}}"#,
            r#"{"id":"G","isActive":false,"properties":{"Mail":{"$value":"ada@x.org"}}}"#,
            r#"{"id":"G","isContainer":true,"properties":{"Mail":{"$value":"ada@x.org"}}}"#,
        ] {
            assert_eq!(found(nobody), None, "{nobody}");
        }
    }
}
