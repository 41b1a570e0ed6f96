//! People and groups: how they are written in each place, and whom a text written by a caller means.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ids::IdentityId;
use super::refusal::Refusal;

/// What a new identity is made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewIdentity {
    /// The name that people see; need not be unique.
    pub display_name: String,
    /// The sign-in name: an address in the cloud, `DOMAIN\user` on a Server.
    pub unique_name: String,
    /// The mail address; a `DOMAIN\user` or a service account has none.
    #[serde(default)]
    pub mail_address: Option<String>,
    /// A group, not a person.
    #[serde(default)]
    pub is_container: bool,
    /// Whether the account still exists in the directory.
    #[serde(default = "yes")]
    pub active: bool,
}

fn yes() -> bool {
    true
}

impl NewIdentity {
    /// Someone who signs in with their mail address.
    #[must_use]
    pub fn person(display_name: &str, mail_address: &str) -> Self {
        Self {
            display_name: display_name.to_owned(),
            unique_name: mail_address.to_owned(),
            mail_address: Some(mail_address.to_owned()),
            is_container: false,
            active: true,
        }
    }

    /// Someone of a Windows domain (`DOMAIN\user`), without a mail address.
    #[must_use]
    pub fn domain_account(display_name: &str, account: &str) -> Self {
        Self { mail_address: None, ..Self::person(display_name, account) }
    }

    /// A group.
    #[must_use]
    pub fn group(display_name: &str) -> Self {
        Self { is_container: true, ..Self::domain_account(display_name, &format!("vstfs:///{display_name}")) }
    }
}

/// A person or a group that the simulator knows.
#[derive(Clone, Debug, Serialize)]
pub struct SimIdentity {
    /// The GUID.
    pub id: IdentityId,
    /// The subject descriptor: `aad.…` in the cloud, `win.…` for a domain account, `vssgp.…` for a
    /// group.
    pub descriptor: String,
    /// The rest.
    #[serde(flatten)]
    pub details: NewIdentity,
}

impl SimIdentity {
    pub(crate) fn new(id: IdentityId, details: NewIdentity) -> Self {
        let kind = if details.is_container {
            "vssgp"
        } else if details.unique_name.contains('\\') {
            "win"
        } else {
            "aad"
        };
        let descriptor = format!("{kind}.{}", URL_SAFE_NO_PAD.encode(id.0.to_string()));
        Self { id, descriptor, details }
    }

    /// `Name <unique name>`, as resource version 1.0 writes people; the name alone where there is no
    /// sign-in name.
    #[must_use]
    pub fn text(&self) -> String {
        let NewIdentity { display_name, unique_name, .. } = &self.details;
        if unique_name.is_empty() { display_name.clone() } else { format!("{display_name} <{unique_name}>") }
    }

    /// The `IdentityRef` object; `base_url` is the collection's.
    pub(crate) fn reference(&self, base_url: &str) -> Value {
        let avatar = format!("{base_url}_apis/GraphProfile/MemberAvatars/{}", self.descriptor);
        let mut reference = json!({
            "displayName": self.details.display_name,
            "url": format!("{base_url}_apis/Identities/{}", self.id),
            "_links": {"avatar": {"href": avatar}},
            "id": self.id,
            "uniqueName": self.details.unique_name,
            "imageUrl": avatar,
            "descriptor": self.descriptor,
        });
        if let Some(reference) = reference.as_object_mut() {
            if self.details.is_container {
                reference.insert("isContainer".into(), true.into());
            }
            if !self.details.active {
                reference.insert("inactive".into(), true.into());
            }
        }
        reference
    }
}

/// Everyone the simulator knows, of all collections.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    identities: BTreeMap<IdentityId, SimIdentity>,
    /// In the order of arrival, for pages.
    order: Vec<IdentityId>,
}

impl Directory {
    pub(crate) fn add(&mut self, identity: SimIdentity) {
        self.order.push(identity.id);
        self.identities.insert(identity.id, identity);
    }

    pub(crate) fn get(&self, id: IdentityId) -> Option<&SimIdentity> {
        self.identities.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: IdentityId) -> Option<&mut SimIdentity> {
        self.identities.get_mut(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &SimIdentity> {
        self.order.iter().filter_map(|id| self.identities.get(id))
    }

    /// Whom a caller means by the value of an identity field: an id, a sign-in name, a display name
    /// that only one person has, or `Name <sign-in name>`. A mail address that is no sign-in name
    /// names nobody, nor does an inactive account or a group.
    pub(crate) fn resolve(&self, field: &str, text: &str) -> Result<IdentityId, Refusal> {
        let text = text.trim();
        let combined =
            text.strip_suffix('>').and_then(|text| text.rsplit_once('<')).map(|(_, unique_name)| unique_name);
        let people = || self.iter().filter(|identity| identity.details.active && !identity.details.is_container);
        let exact = people().find(|identity| {
            let unique_name = &identity.details.unique_name;
            identity.id.0.to_string().eq_ignore_ascii_case(text)
                || unique_name.to_lowercase() == text.to_lowercase()
                || combined.is_some_and(|name| unique_name.to_lowercase() == name.to_lowercase())
        });
        if let Some(identity) = exact {
            return Ok(identity.id);
        }
        let mut namesakes = people().filter(|identity| identity.details.display_name == text);
        match (namesakes.next(), namesakes.next()) {
            (Some(identity), None) => Ok(identity.id),
            (Some(_), Some(_)) => Err(Refusal::invalid_field(
                field,
                format!("The identity value '{text}' for field '{field}' is ambiguous: several people have this name."),
            )),
            (None, _) => Err(Refusal::invalid_field(
                field,
                format!("The identity value '{text}' for field '{field}' is an unknown identity."),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ids::IdSource;
    use super::*;

    fn directory() -> (Directory, IdentityId, IdentityId) {
        let mut ids = IdSource::new(0);
        let mut directory = Directory::default();
        let mut add = |details| {
            let id = IdentityId(ids.next());
            directory.add(SimIdentity::new(id, details));
            id
        };
        let ada = add(NewIdentity::person("Ada", "ada@example.org"));
        let grace = add(NewIdentity::domain_account("Grace", r"NAVY\grace"));
        add(NewIdentity::person("Sam", "sam1@example.org"));
        add(NewIdentity::person("Sam", "sam2@example.org"));
        add(NewIdentity::group("Everyone"));
        add(NewIdentity { active: false, ..NewIdentity::person("Gone", "gone@example.org") });
        (directory, ada, grace)
    }

    #[test]
    fn a_person_is_found_by_id_sign_in_name_or_unique_display_name() {
        let (directory, ada, grace) = directory();
        let find = |text: &str| directory.resolve("System.AssignedTo", text).ok();
        assert_eq!(find(&ada.to_string()), Some(ada));
        assert_eq!(find("ADA@example.org"), Some(ada));
        assert_eq!(find("Ada"), Some(ada));
        assert_eq!(find(r"navy\GRACE"), Some(grace));
        assert_eq!(find(r"Grace <NAVY\grace>"), Some(grace));
    }

    #[test]
    fn an_unknown_ambiguous_or_inactive_person_and_a_group_are_refused_with_600171() {
        let (directory, ..) = directory();
        for text in ["nobody@example.org", "Sam", "Gone", "Everyone", ""] {
            let refusal = directory.resolve("System.AssignedTo", text).unwrap_err();
            assert_eq!((refusal.status.as_u16(), refusal.error_code), (400, 600_171), "{text}");
        }
    }
}
