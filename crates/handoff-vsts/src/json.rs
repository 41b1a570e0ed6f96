//! Tolerant reading of JSON: every value may have any type, and broken text is mended, not refused.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// A value as it came: null and absence are the same, and no type is an error.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Loose<T = IgnoredAny> {
    /// Absent or null.
    #[default]
    Nothing,
    /// A whole number.
    Integer(i64),
    /// True or false.
    Flag(bool),
    /// A text.
    Text(String),
    /// An object.
    Object(T),
    /// A list, a fraction, or a number too large.
    Other,
}

impl<T> Loose<T> {
    pub(crate) fn integer(&self) -> Option<i64> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(value) = self { Some(value) } else { None }
    }

    pub(crate) fn object(&self) -> Option<&T> {
        if let Self::Object(value) = self { Some(value) } else { None }
    }

    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Self::Flag(true))
    }

    /// Nothing, or a text of nothing but white space.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyType(PhantomData))
    }
}

struct AnyType<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnyType<T> {
    type Value = Loose<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Loose::Nothing)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Loose::Flag(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Loose::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(Loose::Other, Loose::Integer))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Loose::Other)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Loose::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Loose::Object)
    }
}

/// Why a text could not be read. Says where, never what: the text may be personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not JSON that can be read (line {line}, column {column})")]
pub(crate) struct Unreadable {
    line: usize,
    column: usize,
}

/// Reads a body. Invalid UTF-8 and lone surrogates, which no Rust text can hold, become U+FFFD.
///
/// # Errors
/// [`Unreadable`] when it is not JSON, is nested too deep where it is read, or names a field twice.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let unreadable = |error: &serde_json::Error| Unreadable { line: error.line(), column: error.column() };
    match serde_json::from_slice(body) {
        Ok(value) => Ok(value),
        // Mending looks at every byte, so it is done only where reading failed.
        Err(error) => match mended(body) {
            Cow::Borrowed(_) => Err(unreadable(&error)),
            Cow::Owned(text) => serde_json::from_str(&text).map_err(|error| unreadable(&error)),
        },
    }
}

/// The text with U+FFFD for what is not valid; borrowed where nothing had to be changed.
fn mended(body: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(body);
    let broken = lone_surrogates(text.as_bytes());
    if broken.is_empty() {
        return text;
    }
    let mut text = text.into_owned();
    for at in broken {
        text.replace_range(at..at + ESCAPE, r"\ufffd");
    }
    Cow::Owned(text)
}

/// The length of `\uXXXX`.
const ESCAPE: usize = 6;

/// Where the escapes begin that name half a character.
fn lone_surrogates(text: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(step) = text.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += step;
        match escaped_unit(text, at) {
            Some(0xD800..=0xDBFF) if matches!(escaped_unit(text, at + ESCAPE), Some(0xDC00..=0xDFFF)) => {
                at += 2 * ESCAPE;
            }
            Some(0xD800..=0xDFFF) => {
                found.push(at);
                at += ESCAPE;
            }
            Some(_) => at += ESCAPE,
            None => at += 2,
        }
    }
    found
}

/// The UTF-16 unit of the escape that begins here, if one does.
fn escaped_unit(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at..at + ESCAPE)?.strip_prefix(b"\\u")?;
    digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Sample {
        a: Loose,
        b: Loose<Inner>,
    }

    #[derive(Debug, Clone, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Inner {
        c: Loose,
    }

    #[test]
    fn a_value_of_any_type_is_read() {
        for (json, expected) in [
            ("{}", Loose::Nothing),
            (r#"{"a":null}"#, Loose::Nothing),
            (r#"{"a":7}"#, Loose::Integer(7)),
            (r#"{"a":-7}"#, Loose::Integer(-7)),
            (r#"{"a":18446744073709551615}"#, Loose::Other),
            (r#"{"a":1e400}"#, Loose::Nothing),
            (r#"{"a":7.0}"#, Loose::Other),
            (r#"{"a":[1,{"x":[]}]}"#, Loose::Other),
            (r#"{"a":true}"#, Loose::Flag(true)),
            (r#"{"a":"x"}"#, Loose::Text("x".to_owned())),
            (r#"{"a":{"x":1}}"#, Loose::Object(IgnoredAny)),
        ] {
            match read::<Sample>(json.as_bytes()) {
                Ok(sample) => assert_eq!(sample.a, expected, "{json}"),
                Err(_) => assert!(json.contains("1e400"), "{json}"),
            }
        }
    }

    #[test]
    fn broken_text_is_mended_wherever_it_is() {
        for (body, expected) in [
            (br#"{"a":"x\ud800y"}"#.as_slice(), "x\u{FFFD}y"),
            (br#"{"a":"\uDC00\ud83d\ude00"}"#, "\u{FFFD}😀"),
            (br#"{"a":"\ud800\ud800\udc00"}"#, "\u{FFFD}\u{10000}"),
            (br#"{"a":"\\ud800"}"#, r"\ud800"),
            (b"{\"a\":\"\xff\",\"z\":\"\\ud800\"}", "\u{FFFD}"),
            (b"\xEF\xBB\xBF{\"a\":\"x\"}", "x"),
        ] {
            let sample: Sample = read(body).unwrap();
            assert_eq!(sample.a.text(), Some(expected));
        }
    }

    #[test]
    fn what_is_not_json_is_unreadable_and_says_where_only() {
        let deep = format!("{}{}", r#"{"b":"#.repeat(5000), "}".repeat(5000));
        for body in ["", "{", "secret", r#"{"a":"\ud8"}"#, "{\"a\":1}x", r#"{"a":1,"a":2}"#, "[]x", &deep[..40]] {
            let error = read::<Sample>(body.as_bytes()).unwrap_err();
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn nesting_is_no_danger_however_deep() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(200_000), "]".repeat(200_000));
        assert!(read::<Sample>(deep.as_bytes()).is_ok_and(|sample| sample.a == Loose::Other));
    }
}
