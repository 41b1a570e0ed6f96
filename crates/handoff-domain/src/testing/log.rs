//! What is logged while a test runs in this thread, as lines of text.

use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::sync::Once;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Keeps what is logged by this thread, until it is dropped.
///
/// One subscriber serves the whole process and asks which thread it is on: one for each thread would miss
/// what another thread without any had logged first, since its verdict is remembered.
pub struct KeptLog(());

impl KeptLog {
    /// Begins to keep.
    ///
    /// # Panics
    /// When the process logs elsewhere already.
    #[must_use]
    pub fn begin() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            assert!(tracing::subscriber::set_global_default(Keeper).is_ok(), "the process logs elsewhere already");
        });
        LINES.set(Some(Vec::new()));
        Self(())
    }

    /// The lines so far: level, message, and fields as `name=value`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        LINES.with_borrow(|lines| lines.clone().unwrap_or_default())
    }
}

impl Drop for KeptLog {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

struct Keeper;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let name = field.name();
        let written =
            if name == "message" { write!(self.0, " {value:?}") } else { write!(self.0, " {name}={value:?}") };
        // Writing to a text does not fail.
        let _ = written;
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        LINES.with_borrow_mut(|lines| lines.as_mut().map(|lines| lines.push(line.0)));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
