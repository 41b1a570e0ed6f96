//! Projects: what groups belong to and what routes send to Discord.

use crate::id::{OrganizationId, ProjectId, UserId};
use crate::slug::Slug;
use crate::text::Name;
use crate::time::Timestamp;

/// A project of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Unique among the organization's projects that are not being deleted.
    pub slug: Slug,
    /// Shown to people.
    pub name: Name,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Project {
    /// The short id of one of its groups, for example `BACKEND-42`.
    #[must_use]
    pub fn short_id(slug: &Slug, number: i64) -> String {
        format!("{}-{number}", slug.as_str().to_uppercase())
    }
}

/// Whether a user wants to be mentioned in a project's channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationSetting {
    /// The project.
    pub project: ProjectId,
    /// The user.
    pub user: UserId,
    /// `false`: cards still show them, nothing mentions them.
    pub mention: bool,
}
