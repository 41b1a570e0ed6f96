//! Questions on a terminal. What is secret is not shown while it is typed.

use std::io::{self, BufRead, IsTerminal, Write};

/// Asks a person.
pub(super) trait Ask {
    /// A line, trimmed; empty where they only press Enter.
    ///
    /// # Errors
    /// When nobody answers.
    fn line(&mut self, question: &str) -> io::Result<String>;

    /// A secret, which is not shown while it is typed.
    ///
    /// # Errors
    /// When nobody answers.
    fn secret(&mut self, question: &str) -> io::Result<String>;

    /// Yes or no; no where they only press Enter.
    ///
    /// # Errors
    /// When nobody answers.
    fn yes(&mut self, question: &str) -> io::Result<bool> {
        let answer = self.line(&format!("{question} [y/N]"))?;
        Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
    }
}

/// The terminal that the program runs in.
pub(super) struct Terminal;

impl Terminal {
    /// The terminal, where there is one on both sides.
    pub(super) fn found() -> Option<Self> {
        (io::stdin().is_terminal() && io::stderr().is_terminal()).then_some(Self)
    }
}

/// Asks on standard error, so that results on standard output stay clean.
fn put(question: &str) -> io::Result<()> {
    let mut out = io::stderr().lock();
    write!(out, "{question}: ")?;
    out.flush()
}

fn read() -> io::Result<String> {
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "nobody answers"));
    }
    Ok(line.trim().to_owned())
}

impl Ask for Terminal {
    fn line(&mut self, question: &str) -> io::Result<String> {
        put(question)?;
        read()
    }

    fn secret(&mut self, question: &str) -> io::Result<String> {
        let stdin = io::stdin();
        put(question)?;
        let hidden = Hidden::begin(&stdin)?;
        let answer = read();
        drop(hidden);
        writeln!(io::stderr())?;
        answer
    }
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden<'a> {
    terminal: &'a io::Stdin,
    before: rustix::termios::Termios,
}

impl<'a> Hidden<'a> {
    fn begin(terminal: &'a io::Stdin) -> io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // Where the terminal is gone there is nobody to be shown anything.
        let _ = rustix::termios::tcsetattr(self.terminal, rustix::termios::OptionalActions::Flush, &self.before);
    }
}
