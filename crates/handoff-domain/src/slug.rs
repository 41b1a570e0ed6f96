//! Slugs: the readable part of an address, unique in its organization.

use crate::port::Entropy;
use crate::text::{InvalidText, Name};
use deunicode::deunicode;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A slug: lower-case ASCII letters, digits, `-` and `_`, at most 50, not only digits, not reserved.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// Words that a slug must not be, since addresses use them. The reference keeps the same list.
pub const RESERVED: [&str; 19] = [
    "api-keys",
    "audit-log",
    "auth",
    "members",
    "projects",
    "rate-limits",
    "repos",
    "settings",
    "teams",
    "billing",
    "payments",
    "legal",
    "subscription",
    "support",
    "integrations",
    "developer-settings",
    "usage",
    "organizations",
    "users",
];

impl Slug {
    /// Longest slug made from a name, in characters.
    pub const MAX: usize = 50;

    /// Checks a slug that a person chose.
    ///
    /// # Errors
    /// [`InvalidText`] naming what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        if text.is_empty() {
            return Err(InvalidText::Empty);
        }
        if text.len() > Self::MAX {
            return Err(InvalidText::TooLong { max: Self::MAX });
        }
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if !text.bytes().all(allowed) || text.starts_with('-') || text.ends_with('-') {
            return Err(InvalidText::Form("must be lower-case letters, digits, - and _, not at its ends -"));
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidText::Form("must not be only digits"));
        }
        if RESERVED.contains(&text) {
            return Err(InvalidText::Form("is a reserved word"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The slug that a name suggests; twelve random characters where the name gives none (emoji, only
    /// punctuation, a reserved word).
    #[must_use]
    pub fn suggested(name: &str, entropy: &dyn Entropy) -> Self {
        let base = slugified(name);
        match Self::parse(&base) {
            Ok(slug) => slug,
            Err(_) if !base.is_empty() && base.bytes().all(|b| b.is_ascii_digit()) => {
                Self(with_suffix(&base, &random_word(entropy, 5)))
            }
            Err(_) => Self(random_word(entropy, 12)),
        }
    }

    /// Candidates for a taken slug, in the order to try them: a suffix of two random letters once,
    /// of three five times, of five twenty times, of twelve once (as the reference does).
    #[must_use]
    pub fn alternatives(&self, entropy: &dyn Entropy) -> Vec<Self> {
        let lengths = [2, 3, 3, 3, 3, 3].into_iter().chain([5; 20]).chain([12]);
        lengths.map(|n| Self(with_suffix(&self.0, &random_word(entropy, n)))).collect()
    }
}

fn slugified(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    let ascii = deunicode(&name.chars().take(Name::MAX).filter(|c| !is_pictograph(*c)).collect::<String>());
    for c in ascii.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(Slug::MAX);
    slug.trim_matches('-').to_owned()
}

/// Emoji and dingbats carry no letters; spelling them out would make slugs like `pile-of-poo`.
fn is_pictograph(c: char) -> bool {
    matches!(u32::from(c), 0x2190..=0x2BFF | 0xFE00..=0xFE0F | 0x1F000..=0x1FAFF | 0xE0000..=0xE007F)
}

fn with_suffix(base: &str, suffix: &str) -> String {
    let room = Slug::MAX - suffix.len() - 1;
    let head: String = base.chars().take(room).collect();
    format!("{}-{suffix}", head.trim_end_matches('-'))
}

/// Random lower-case letters: never only digits, so never an id.
fn random_word(entropy: &dyn Entropy, length: usize) -> String {
    let mut bytes = vec![0_u8; length];
    entropy.fill(&mut bytes);
    bytes.into_iter().map(|b| char::from(b'a' + b % 26)).collect()
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Slug {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::parse(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SequentialEntropy;

    #[test]
    fn a_slug_follows_its_name() {
        let entropy = SequentialEntropy::default();
        for (name, slug) in [("Back End", "back-end"), ("Größe & Maß", "grosse-mass"), ("--x--", "x"), ("a_b", "a_b")]
        {
            assert_eq!(Slug::suggested(name, &entropy).as_str(), slug);
        }
        assert_eq!(Slug::suggested(&"x".repeat(80), &entropy).as_str().len(), 50);
    }

    #[test]
    fn a_name_of_emoji_digits_or_a_reserved_word_still_gets_a_valid_slug() {
        let entropy = SequentialEntropy::default();
        for name in ["🚀🚀", "12345", "settings", "…", "日本"] {
            let slug = Slug::suggested(name, &entropy);
            assert_eq!(Slug::parse(slug.as_str()).as_ref(), Ok(&slug), "{name}");
        }
        assert_eq!(Slug::suggested("🚀🚀", &entropy).as_str().len(), 12);
        assert!(Slug::suggested("12345", &entropy).as_str().starts_with("12345-"));
    }

    #[test]
    fn alternatives_are_valid_and_grow_longer() {
        let entropy = SequentialEntropy::default();
        let base = Slug::suggested(&"y".repeat(50), &entropy);
        let alternatives = base.alternatives(&entropy);
        assert_eq!(alternatives.len(), 27);
        for slug in alternatives {
            assert_eq!(Slug::parse(slug.as_str()).as_ref(), Ok(&slug));
        }
    }
}
