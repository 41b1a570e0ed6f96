//! What the database says, in the domain's words. The one place where constraint names are known.

use handoff_domain::port::StoreError;
use handoff_domain::port::store::StoreResult;
use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr};

/// Turns a database's answer into the store's.
pub(crate) trait Stored<T> {
    /// The value, or the error in the domain's words.
    fn stored(self) -> StoreResult<T>;
}

impl<T> Stored<T> for Result<T, DbErr> {
    fn stored(self) -> StoreResult<T> {
        self.map_err(|error| store_error(&error))
    }
}

/// A row that does not read as what it was written as.
pub(crate) fn damaged(what: &str) -> StoreError {
    StoreError::Backend(format!("a stored {what} is damaged"))
}

/// What the database said, in the domain's words.
pub(crate) fn store_error(error: &DbErr) -> StoreError {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => StoreError::Unavailable(without_address(error)),
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => driver_error(error),
        other => StoreError::Backend(other.to_string()),
    }
}

/// A connection error without the address it was tried at, which may hold a password.
fn without_address(error: &DbErr) -> String {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error)) => match error.as_ref() {
            sqlx::Error::Io(error) => error.to_string(),
            sqlx::Error::Database(error) => error.message().to_owned(),
            sqlx::Error::PoolTimedOut => "no connection within a second".to_owned(),
            _ => "no connection".to_owned(),
        },
        DbErr::ConnectionAcquire(_) => "no connection within a second".to_owned(),
        _ => "no connection".to_owned(),
    }
}

fn driver_error(error: &sqlx::Error) -> StoreError {
    let sqlx::Error::Database(database) = error else {
        return match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => {
                StoreError::Unavailable(error.to_string())
            }
            _ => StoreError::Backend(error.to_string()),
        };
    };
    if database.is_unique_violation() || database.is_foreign_key_violation() || database.is_check_violation() {
        let constraint = database.constraint().map_or_else(|| sqlite_constraint(database.message()), str::to_owned);
        return StoreError::Conflict { constraint: known_as(&constraint).to_owned() };
    }
    let code = database.code().unwrap_or_default();
    match code.as_ref() {
        // Serialization failure and deadlock (PostgreSQL, appendix A).
        "40001" | "40P01" => StoreError::Retry,
        // Lock not available, cancelled by a time-out, too many connections, shutting down, disk full.
        "55P03" | "57014" | "53300" | "53100" | "57P01" | "57P02" | "57P03" | "25P03" => {
            StoreError::Unavailable(database.message().to_owned())
        }
        // SQLITE_BUSY, _BUSY_SNAPSHOT, _LOCKED, _FULL, _IOERR, _CANTOPEN, _READONLY.
        "5" | "517" | "6" | "13" | "10" | "14" | "8" => StoreError::Unavailable(database.message().to_owned()),
        code if code.starts_with("08") => StoreError::Unavailable(database.message().to_owned()),
        _ => StoreError::Backend(database.message().to_owned()),
    }
}

/// SQLite names columns where PostgreSQL names the constraint.
fn sqlite_constraint(message: &str) -> String {
    let columns = message.rsplit_once("failed: ").map_or(message, |(_, columns)| columns);
    let known = match columns {
        "organizations.id" => "organization_pkey",
        "organizations.slug" => "organization_slug",
        "users.id" => "user_pkey",
        "users.discord" => "user_discord",
        "user_emails.address" => "user_email_verified",
        "api_tokens.id" => "api_token_pkey",
        "api_tokens.digest" => "api_token_digest",
        "teams.id" => "team_pkey",
        "teams.organization_id, teams.slug" => "team_slug",
        "projects.id" => "project_pkey",
        "projects.organization_id, projects.slug" => "project_slug",
        "issue_groups.id" => "group_pkey",
        "issue_groups.project_id, issue_groups.number" => "group_number",
        "activities.id" => "activity_pkey",
        "integrations.id" => "integration_pkey",
        "integrations.collection_id" => "integration_collection",
        "installations.id" => "installation_pkey",
        "installations.organization_id, installations.integration_id" => "installation_integration",
        "external_issues.id" => "external_issue_pkey",
        "external_issues.integration_id, external_issues.number" => "external_issue_number",
        "group_links.id" => "group_link_pkey",
        "group_links.group_id, group_links.external_issue_id" => "group_link_pair",
        "identity_mappings.id" => "identity_mapping_pkey",
        "identity_mappings.organization_id, identity_mappings.integration_id, identity_mappings.identity_id" => {
            "identity_mapping_identity"
        }
        "identity_mappings.organization_id, identity_mappings.integration_id, identity_mappings.unique_name" => {
            "identity_mapping_name"
        }
        "guilds.id" => "guild_pkey",
        "routes.project_id, routes.channel" => "route_channel",
        "routes.id" => "route_pkey",
        "messages.id" => "message_pkey",
        "messages.group_id, messages.route_id, messages.kind, messages.subject" => "message_subject",
        "deliveries.id" => "delivery_pkey",
        "outbox.id" => "outbox_pkey",
        "outbox.target" => "outbox_target",
        // SQLite does not say which.
        "FOREIGN KEY constraint failed" => "foreign_key",
        other => other,
    };
    known.to_owned()
}

/// Constraints that are two indexes here and one rule for the domain.
fn known_as(constraint: &str) -> &str {
    match constraint {
        "identity_mapping_name" => "identity_mapping_identity",
        other => other,
    }
}
