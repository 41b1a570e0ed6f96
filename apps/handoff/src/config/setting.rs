//! The types that a setting can have, read alike from a TOML value and from the text of a variable.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use toml::Value;

/// A setting as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Raw {
    /// In the file.
    Toml(Value),
    /// In a variable.
    Text(String),
}

/// A type that a setting can have.
pub(crate) trait Setting: Sized {
    /// What to write, for people.
    const EXPECTED: &'static str;
    /// Reads it; `None` when it is something else.
    fn read(raw: &Raw) -> Option<Self>;
    /// As `config check` shows it.
    fn show(&self) -> String;
}

impl Setting for String {
    const EXPECTED: &'static str = "a text";

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Toml(value) => value.as_str().map(ToOwned::to_owned),
            Raw::Text(text) => Some(text.clone()),
        }
    }

    fn show(&self) -> String {
        format!("{self:?}")
    }
}

impl Setting for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Toml(value) => value.as_bool(),
            Raw::Text(text) => text.parse().ok(),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for u64 {
    const EXPECTED: &'static str = "a whole number";

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Toml(value) => value.as_integer().and_then(|number| number.try_into().ok()),
            Raw::Text(text) => text.parse().ok(),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// A number of seconds.
impl Setting for Duration {
    const EXPECTED: &'static str = "a whole number of seconds";

    fn read(raw: &Raw) -> Option<Self> {
        u64::read(raw).map(Self::from_secs)
    }

    fn show(&self) -> String {
        self.as_secs().to_string()
    }
}

impl Setting for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn read(raw: &Raw) -> Option<Self> {
        String::read(raw).filter(|text| !text.is_empty()).map(Self::from)
    }

    fn show(&self) -> String {
        format!("{:?}", self.display().to_string())
    }
}

impl Setting for SocketAddr {
    const EXPECTED: &'static str = "an address and a port, such as \"127.0.0.1:8080\"";

    fn read(raw: &Raw) -> Option<Self> {
        String::read(raw)?.parse().ok()
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

/// In a variable, separated by commas.
impl Setting for Vec<String> {
    const EXPECTED: &'static str = "a list of texts, such as [\"a\", \"b\"] (in a variable: a,b)";

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Toml(value) => value.as_array()?.iter().map(|one| one.as_str().map(ToOwned::to_owned)).collect(),
            Raw::Text(text) => {
                Some(text.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect())
            }
        }
    }

    fn show(&self) -> String {
        format!("{self:?}")
    }
}
