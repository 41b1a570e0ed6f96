//! People as a tracker names them, and how two such names are told to be one person.

use crate::id::{GroupId, IntegrationId, MappingId, OrganizationId, UserId};
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

impl UnresolvedReason {
    /// The word that is stored and shown in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ambiguous => "ambiguous",
            Self::Inactive => "inactive",
            Self::OutsideProject => "outside_project",
            Self::Container => "container",
        }
    }
}

impl Unresolved {
    /// What groups links that wait for one person for one reason: by identity id, else by sign-in name, else
    /// by what is shown.
    #[must_use]
    pub fn key(&self) -> String {
        let Person { identity_id, unique_name, display_name, .. } = &self.person;
        let who = match (identity_id, unique_name) {
            (Some(id), _) => format!("id:{id}"),
            (None, Some(name)) => format!("name:{name}"),
            (None, None) => format!("shown:{display_name}"),
        };
        format!("{who}|{}", self.reason.as_str())
    }
}

/// The place of an [`UnresolvedPerson`] in the list of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnresolvedKey {
    /// [`Unresolved::key`].
    pub who: String,
    /// In which tracker.
    pub integration: IntegrationId,
}

/// Hexadecimal, so that it can be part of an address.
impl std::fmt::Display for UnresolvedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-", self.integration.get().simple())?;
        self.who.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for UnresolvedKey {
    type Err = crate::id::InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (integration, who) = text.split_once('-')?;
            let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            let is_plain = who.len().is_multiple_of(2) && who.bytes().all(|byte| byte.is_ascii_hexdigit());
            let bytes = is_plain.then(|| who.as_bytes().chunks(2).map(digits).collect::<Option<Vec<u8>>>())??;
            let who = String::from_utf8(bytes).ok().filter(|who| !who.contains('\0'))?;
            Some(Self { who, integration: integration.parse().ok()? })
        };
        read().ok_or(crate::id::InvalidId { what: "unresolved person" })
    }
}

/// Somebody of a tracker whom nobody here is, and what waits for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnresolvedPerson {
    /// In which tracker.
    pub integration: IntegrationId,
    /// Who, and why they are nobody here.
    pub unresolved: Unresolved,
    /// How many links wait.
    pub links: u64,
    /// Some of their groups: the oldest links', at most [`UnresolvedPerson::GROUPS`].
    pub groups: Vec<GroupId>,
}

impl UnresolvedPerson {
    /// The most groups that are named.
    pub const GROUPS: usize = 5;

    /// Its place in the list.
    #[must_use]
    pub fn key(&self) -> UnresolvedKey {
        UnresolvedKey { who: self.unresolved.key(), integration: self.integration }
    }
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
    fn a_place_in_the_list_of_the_unresolved_survives_an_address() {
        let integration = IntegrationId::from_uuid(uuid::Uuid::from_u128(7));
        for who in ["id:abc|unknown", "shown:Zoë <x>/&?|container", ""] {
            let key = UnresolvedKey { who: who.to_owned(), integration };
            let shown = key.to_string();
            assert!(shown.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{shown}");
            assert_eq!(shown.parse::<UnresolvedKey>().ok(), Some(key));
        }
        for bad in ["", "x", "-", "00000000000000000000000000000007-0", "00000000000000000000000000000007-ff", "7-é1"]
        {
            assert!(bad.parse::<UnresolvedKey>().is_err(), "{bad}");
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
