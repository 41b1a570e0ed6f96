//! Text from people: checked once, where it enters.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text was refused. The message is fit to be shown to the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Longer than the field allows, in characters.
    #[error("must be at most {max} characters")]
    TooLong {
        /// The limit.
        max: usize,
    },
    /// NUL or another control character (PostgreSQL cannot store NUL in text).
    #[error("must not contain control characters")]
    Control,
    /// Not of the form the field asks for.
    #[error("{0}")]
    Form(&'static str),
}

/// Checks a single-line text of at most `max` characters and trims it.
///
/// # Errors
/// [`InvalidText`] when it is empty, too long or holds control characters.
pub fn single_line(text: &str, max: usize) -> Result<String, InvalidText> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(InvalidText::Empty);
    }
    if trimmed.chars().any(char::is_control) {
        return Err(InvalidText::Control);
    }
    if trimmed.chars().count() > max {
        return Err(InvalidText::TooLong { max });
    }
    Ok(trimmed.to_owned())
}

/// Makes a tracker's text storable and bounded: control characters become spaces, the rest is cut.
///
/// Used for what we do not decide on but show (titles, display names), so that no work item is
/// refused because of its title.
#[must_use]
pub fn tamed(text: &str, max: usize) -> String {
    let cleaned = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    cleaned.take(max).collect::<String>().trim().to_owned()
}

/// A name that people gave something: one line, at most 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Longest name, in characters.
    pub const MAX: usize = 200;

    /// Checks and trims a name.
    ///
    /// # Errors
    /// [`InvalidText`] when it is empty, too long or holds control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        single_line(text, Self::MAX).map(Self)
    }

    /// For what has no name that can be kept.
    #[must_use]
    pub fn untitled() -> Self {
        Self("Untitled".to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// An e-mail address, kept in lower case, because trackers and people write it in any.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Longest address (RFC 5321, 4.5.3.1.3).
    pub const MAX: usize = 254;

    /// Checks an address loosely (something on both sides of one `@`) and lower-cases it.
    ///
    /// # Errors
    /// [`InvalidText`] when it is not an address.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let text = single_line(text, Self::MAX)?.to_lowercase();
        match text.split_once('@') {
            Some((local, host))
                if !local.is_empty()
                    && !host.is_empty()
                    && !host.contains('@')
                    && !text.contains(char::is_whitespace) =>
            {
                Ok(Self(text))
            }
            _ => Err(InvalidText::Form("must be an e-mail address")),
        }
    }

    /// The address in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_refused_when_empty_long_or_with_control_characters() {
        assert_eq!(Name::parse("  Backend ").map(String::from), Ok("Backend".to_owned()));
        assert_eq!(Name::parse(" \t"), Err(InvalidText::Empty));
        assert_eq!(Name::parse("a\0b"), Err(InvalidText::Control));
        assert_eq!(Name::parse(&"é".repeat(201)), Err(InvalidText::TooLong { max: 200 }));
    }

    #[test]
    fn an_address_in_capitals_is_the_same_address() {
        assert_eq!(EmailAddress::parse("ADA@Example.ORG"), EmailAddress::parse("ada@example.org"));
        for bad in ["ada", "@x", "a@", "a@b@c", "a b@c"] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_trackers_text_is_tamed_not_refused() {
        assert_eq!(tamed("a\0b\nc", 10), "a b c");
        assert_eq!(tamed("ééé", 2), "éé");
    }
}
