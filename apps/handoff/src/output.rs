//! What commands print: for people, or one JSON object a line. Logs go to standard error, results to standard
//! output.

use crate::failure::Failure;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Where results go, and in which form.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// JSON, or words.
    #[must_use]
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON is asked for.
    #[must_use]
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// Prints a result in the form that is asked for.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn say(self, words: &str, value: &Value) -> io::Result<()> {
        if self.json { self.line(&value.to_string()) } else { self.line(words) }
    }

    /// Prints a line for people; nothing where JSON is asked for.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn tell(self, words: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { self.line(words) }
    }

    /// Prints a line as it is.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn line(self, line: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{line}")?;
        out.flush()
    }

    /// Says on standard error why a command failed.
    pub fn failed(self, failure: &Failure) {
        let text = failure.to_string();
        let line = if self.json { json!({"error": text}).to_string() } else { format!("handoff: {text}") };
        self.complain(&line);
    }

    /// Prints a line on standard error. Where that is closed there is nobody to tell.
    pub fn complain(self, line: &str) {
        let _ = writeln!(io::stderr(), "{line}");
    }
}
