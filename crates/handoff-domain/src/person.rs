//! People as a tracker names them, and how two such names are told to be one person.

use crate::id::{IntegrationId, MappingId, OrganizationId, UserId};
use crate::text::{EmailAddress, tamed};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A person as a tracker names them. At least one of the three is present.
///
/// Two are the same person by [`Person::is_same`], never by display text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// The tracker's own id of the identity (a GUID), in lower case, where it told us.
    pub identity_id: Option<String>,
    /// The sign-in name in lower case: an address, or `domain\user` on premises.
    pub unique_name: Option<String>,
    /// What people see. Shown, never compared unless it is all there is.
    pub display_name: String,
    /// A group of people in the tracker, which maps to nobody.
    #[serde(default)]
    pub is_container: bool,
}

impl Person {
    /// Longest name kept, in characters.
    pub const MAX_NAME: usize = 256;

    /// Reads the text form: `Name <mail>`, `Name <DOMAIN\user>`, a bare address or `DOMAIN\user`, or
    /// only a name. Splits at the *last* `<`, since a display name may hold one. Blank text is nobody.
    ///
    /// Source: payloads of service-hook resource version 1.0.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let text = tamed(text, 2 * Self::MAX_NAME);
        if text.is_empty() {
            return None;
        }
        if let Some((name, rest)) = text.rsplit_once('<')
            && let Some(unique) = rest.trim_end().strip_suffix('>')
        {
            let unique = unique.trim();
            let name = name.trim();
            let shown = if name.is_empty() { unique } else { name };
            if shown.is_empty() {
                return None;
            }
            return Some(Self::named(shown, (!unique.is_empty()).then_some(unique)));
        }
        let looks_unique = !text.contains(char::is_whitespace) && (text.contains('@') || text.contains('\\'));
        Some(Self::named(&text, looks_unique.then_some(text.as_str())))
    }

    /// From the fields of an identity object; `None` when it names nobody.
    #[must_use]
    pub fn from_identity(
        id: Option<&str>,
        unique_name: Option<&str>,
        display_name: Option<&str>,
        is_container: bool,
    ) -> Option<Self> {
        let kept = |text: Option<&str>| text.map(|t| tamed(t, Self::MAX_NAME)).filter(|t| !t.is_empty());
        let (id, unique, display) = (kept(id), kept(unique_name), kept(display_name));
        let shown = display.clone().or_else(|| unique.clone()).or_else(|| id.clone())?;
        Some(Self {
            identity_id: id.map(|i| i.to_lowercase()),
            unique_name: unique.map(|u| u.to_lowercase()),
            display_name: shown,
            is_container,
        })
    }

    fn named(display_name: &str, unique_name: Option<&str>) -> Self {
        Self {
            identity_id: None,
            unique_name: unique_name.map(str::to_lowercase),
            display_name: tamed(display_name, Self::MAX_NAME),
            is_container: false,
        }
    }

    /// Whether both name one person: by identity id where both have one, else by sign-in name; by
    /// display name only where neither has anything better.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.identity_id, &other.identity_id) {
            (Some(a), Some(b)) => return a == b,
            (None, None) if self.unique_name.is_none() && other.unique_name.is_none() => {
                return self.display_name == other.display_name;
            }
            _ => {}
        }
        matches!((&self.unique_name, &other.unique_name), (Some(a), Some(b)) if a == b)
    }

    /// This person with what only `known` tells of them, where both are the same.
    #[must_use]
    pub fn enriched_by(mut self, known: Option<&Self>) -> Self {
        if let Some(known) = known.filter(|k| k.is_same(&self)) {
            self.identity_id = self.identity_id.or_else(|| known.identity_id.clone());
            self.unique_name = self.unique_name.or_else(|| known.unique_name.clone());
        }
        self
    }

    /// The sign-in name as an address, where it is one.
    #[must_use]
    pub fn address(&self) -> Option<EmailAddress> {
        self.unique_name.as_deref().and_then(|name| EmailAddress::parse(name).ok())
    }
}

/// Whether two optional people are the same: nobody and nobody, or one person.
#[must_use]
pub fn same_person(a: Option<&Person>, b: Option<&Person>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => a.is_same(b),
        _ => false,
    }
}

/// "This identity of the tracker is that user of ours", said by an admin or an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityMapping {
    /// Its id.
    pub id: MappingId,
    /// Whose it is: one organization's mapping says nothing to another.
    pub organization: OrganizationId,
    /// The tracker.
    pub integration: IntegrationId,
    /// The tracker's own id of the identity, in lower case.
    pub identity_id: Option<String>,
    /// The sign-in name, in lower case. One of the two is present.
    pub unique_name: Option<String>,
    /// Our user.
    pub user: UserId,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Why a person of the tracker could not be made one of our users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnresolvedReason {
    /// No mapping and no verified address.
    Unknown,
    /// More than one user fits.
    Ambiguous,
    /// The user is inactive.
    Inactive,
    /// The user is in no team of the group's project.
    OutsideProject,
    /// A group of people in the tracker.
    Container,
}

/// A person who could not be resolved for a link, kept on it until they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unresolved {
    /// Who the tracker says it is.
    pub person: Person,
    /// Why that is nobody here.
    pub reason: UnresolvedReason,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(t: &str) -> Option<(String, Option<String>)> {
        Person::from_text(t).map(|p| (p.display_name, p.unique_name))
    }

    #[test]
    fn every_text_form_of_a_person_is_read() {
        let some = |name: &str, unique: Option<&str>| Some((name.to_owned(), unique.map(str::to_owned)));
        for (given, expected) in [
            ("Ada Lovelace <ADA@Example.org>", some("Ada Lovelace", Some("ada@example.org"))),
            ("A <b> C <c@x.org>", some("A <b> C", Some("c@x.org"))),
            ("Ada <CORP\\Ada>", some("Ada", Some("corp\\ada"))),
            ("ada@x.org", some("ada@x.org", Some("ada@x.org"))),
            ("CORP\\ada", some("CORP\\ada", Some("corp\\ada"))),
            ("Ada Lovelace", some("Ada Lovelace", None)),
            ("Ada <>", some("Ada", None)),
            ("<a@x.org>", some("a@x.org", Some("a@x.org"))),
            ("a < b", some("a < b", None)),
            ("<>", None),
            ("  ", None),
            ("", None),
        ] {
            assert_eq!(text(given), expected, "{given}");
        }
    }

    #[test]
    fn people_are_compared_by_id_then_by_sign_in_name_and_never_by_display_text() {
        let person = |id: Option<&str>, unique: Option<&str>, shown: &str| Person {
            identity_id: id.map(str::to_owned),
            unique_name: unique.map(str::to_owned),
            display_name: shown.to_owned(),
            is_container: false,
        };
        let a = person(Some("1"), Some("a@x"), "A");
        assert!(a.is_same(&person(Some("1"), Some("renamed@x"), "B")));
        assert!(!a.is_same(&person(Some("2"), Some("a@x"), "A")));
        assert!(a.is_same(&person(None, Some("a@x"), "Other")));
        assert!(!a.is_same(&person(None, Some("b@x"), "A")));
        assert!(!a.is_same(&person(None, None, "A")));
        assert!(person(None, None, "A").is_same(&person(None, None, "A")));
    }

    #[test]
    fn a_text_form_keeps_the_identity_that_is_already_known() {
        let known = Person::from_identity(Some("G1"), Some("a@x.org"), Some("A"), false);
        let heard = Person::from_text("A <a@x.org>").map(|p| p.enriched_by(known.as_ref()));
        assert_eq!(heard.and_then(|p| p.identity_id).as_deref(), Some("g1"));
        let other = Person::from_text("B <b@x.org>").map(|p| p.enriched_by(known.as_ref()));
        assert_eq!(other.and_then(|p| p.identity_id), None);
    }
}
