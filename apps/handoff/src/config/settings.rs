//! The layers of a configuration: defaults, then the file, then the environment. Each setting that is taken
//! is remembered with its value and where it came from; what nobody took is unknown.

use super::mistakes::{Mistakes, meant};
use super::setting::{Raw, Setting};
use handoff_domain::secret::Secret;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// What every variable begins with.
const PREFIX: &str = "HANDOFF_";
/// Separates a section from its key in a variable: `HANDOFF_DISCORD__TOKEN`.
const SEPARATOR: &str = "__";

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file.
    File,
    /// This variable.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// A setting as `config check` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSetting {
    /// Its key.
    pub key: &'static str,
    /// Its value as TOML, secrets hidden.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// What is wrong with a file that is no TOML. The parser's own words would show the line, and a secret in it.
fn unreadable(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("is no TOML: line {}: {}", before.matches('\n').count() + 1, error.message())
}

/// What was written, until it is taken.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    written: BTreeMap<String, (Raw, Origin)>,
    shown: Vec<ShownSetting>,
    pub(crate) mistakes: Mistakes,
}

impl Settings {
    /// Lays the environment over the file's text.
    pub(crate) fn layered(file: Option<(&Path, &str)>, environment: &BTreeMap<String, String>) -> Self {
        let mut settings = Self::default();
        if let Some((path, text)) = file {
            match text.parse::<toml::Table>() {
                Ok(table) => settings.add_table("", table),
                Err(error) => settings.mistakes.add(&path.display().to_string(), unreadable(text, &error)),
            }
        }
        for (name, value) in environment {
            if let Some(key) = name.strip_prefix(PREFIX) {
                let key = key.to_ascii_lowercase().replacen(SEPARATOR, ".", 1);
                settings.written.insert(key, (Raw::Text(value.clone()), Origin::Variable(name.clone())));
            }
        }
        settings
    }

    fn add_table(&mut self, section: &str, table: toml::Table) {
        for (key, value) in table {
            let key = if section.is_empty() { key } else { format!("{section}.{key}") };
            match value {
                toml::Value::Table(inner) if section.is_empty() => self.add_table(&key, inner),
                value => drop(self.written.insert(key, (Raw::Toml(value), Origin::File))),
            }
        }
    }

    /// Takes a setting; `None` where nobody set it, or where it is of another type, which is a mistake.
    fn taken<T: Setting>(&mut self, key: &str) -> Option<(T, Origin)> {
        let (raw, origin) = self.written.remove(key)?;
        if let (Raw::Text(text), Origin::Variable(name)) = (&raw, &origin)
            && text.trim().is_empty()
        {
            self.mistakes.add(key, format!("is empty in {name}; unset the variable, or give it a value"));
            return None;
        }
        let value = T::read(&raw);
        if value.is_none() {
            self.mistakes.add(key, format!("must be {}", T::EXPECTED));
        }
        value.map(|value| (value, origin))
    }

    /// Takes a setting that has a default.
    pub(crate) fn take<T: Setting>(&mut self, key: &'static str, default: T) -> T {
        let (value, origin) = self.taken(key).unwrap_or((default, Origin::Default));
        self.shown.push(ShownSetting { key, value: value.show(), origin });
        value
    }

    /// Takes a setting that may be absent; `absent` says for people what happens then.
    pub(crate) fn take_optional<T: Setting>(&mut self, key: &'static str, absent: &str) -> Option<T> {
        let taken = self.taken::<T>(key);
        let (value, origin) = match &taken {
            Some((value, origin)) => (value.show(), origin.clone()),
            None => (format!("({absent})"), Origin::Default),
        };
        self.shown.push(ShownSetting { key, value, origin });
        taken.map(|(value, _)| value)
    }

    /// Takes a number of this range.
    pub(crate) fn take_number<T>(&mut self, key: &'static str, default: T, least: u64, most: u64) -> T
    where
        T: TryFrom<u64> + TryInto<u64> + Copy,
    {
        let fallback = default.try_into().unwrap_or(most);
        let number = self.take(key, fallback);
        if number < least || number > most {
            self.mistakes.add(key, format!("must be between {least} and {most}, not {number}"));
            return default;
        }
        T::try_from(number).unwrap_or(default)
    }

    /// A variable lies over the file, also where the two name the secret in different ways.
    fn drop_what_a_variable_replaces(&mut self, one: &str, other: &str) {
        let origin = |key: &str| self.written.get(key).map(|(_, origin)| origin.clone());
        match (origin(one), origin(other)) {
            (Some(Origin::Variable(_)), Some(Origin::File)) => drop(self.written.remove(other)),
            (Some(Origin::File), Some(Origin::Variable(_))) => drop(self.written.remove(one)),
            _ => {}
        }
    }

    /// Takes a secret, given as it is or by the path of a file that holds it.
    pub(crate) fn take_secret(&mut self, key: &'static str, file_key: &'static str, absent: &str) -> Option<Secret> {
        self.drop_what_a_variable_replaces(key, file_key);
        let given = self.taken::<String>(key);
        let file = self.take_optional::<PathBuf>(file_key, "not used");
        let origin = given.as_ref().map_or(Origin::Default, |(_, origin)| origin.clone());
        let value = match (&given, &file) {
            (None, None) => format!("({absent})"),
            (Some(_), _) => "(set; not shown)".to_owned(),
            (None, Some(_)) => "(from the file)".to_owned(),
        };
        self.shown.push(ShownSetting { key, value, origin });
        match (given, file) {
            (Some(_), Some(_)) => {
                self.mistakes.add(key, format!("is given, and so is {file_key}; keep one of them"));
                None
            }
            (Some((text, _)), None) => self.secret(key, &text),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => self.secret(file_key, &text),
                Err(error) => {
                    self.mistakes.add(file_key, format!("{} cannot be read: {error}", path.display()));
                    None
                }
            },
            (None, None) => None,
        }
    }

    fn secret(&mut self, key: &str, text: &str) -> Option<Secret> {
        let text = text.trim();
        self.mistakes.check(!text.is_empty(), key, "is empty; leave it out, or give the secret");
        (!text.is_empty()).then(|| Secret::new(text))
    }

    /// What is left is unknown. A variable of another program that begins alike (a container platform sets
    /// some) is no mistake unless it looks like a setting of ours.
    pub(crate) fn finish(mut self) -> (Vec<ShownSetting>, Mistakes) {
        let known: Vec<&'static str> = self.shown.iter().map(|shown| shown.key).collect();
        let is_section = |key: &str| known.iter().any(|known| known.split_once('.').is_some_and(|(s, _)| s == key));
        for (key, (_, origin)) in &self.written {
            let suggestion = meant(key, known.iter().copied());
            let section = key.split_once('.').map_or(key.as_str(), |(section, _)| section);
            let named = match origin {
                Origin::Variable(_) if suggestion.is_none() && !is_section(section) => continue,
                Origin::Variable(name) => name.clone(),
                Origin::File | Origin::Default => key.clone(),
            };
            let problem = match suggestion {
                Some(meant) => format!("there is no such setting; {meant} was meant?"),
                None => "there is no such setting; take it out".to_owned(),
            };
            self.mistakes.add(&named, problem);
        }
        (self.shown, self.mistakes)
    }
}
