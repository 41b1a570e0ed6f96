//! Issue groups: the units of work that are assigned.

use crate::id::{GroupId, OrganizationId, ProjectId};
use crate::text::Name;
use crate::time::Timestamp;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// The word that is stored and shown in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the stored word.
            #[must_use]
            pub fn from_stored(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use words;

words!(
    /// How bad it is; gives the card its colour.
    Level {
        /// Diagnostic.
        Debug => "debug",
        /// Worth knowing.
        Info => "info",
        /// Worth a look.
        Warning => "warning",
        /// Broken for someone.
        Error => "error",
        /// Broken for everyone.
        Fatal => "fatal",
    }
);

words!(
    /// Where a group stands.
    GroupStatus {
        /// Open.
        Unresolved => "unresolved",
        /// Done.
        Resolved => "resolved",
        /// Put away, neither open nor done.
        Archived => "archived",
    }
);

/// A group of occurrences of one issue; what people work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// Its number in the project, counted from 1; half of the short id.
    pub number: i64,
    /// What it is about.
    pub title: Name,
    /// How bad it is.
    pub level: Level,
    /// Where it stands.
    pub status: GroupStatus,
    /// When it last occurred or was changed.
    pub last_event_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}
