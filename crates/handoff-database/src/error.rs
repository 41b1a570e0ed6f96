//! What the database says, in the domain's words. The one place where constraint names are known.

use handoff_domain::port::StoreError;
use handoff_domain::port::store::StoreResult;
use sea_orm::sqlx;
use sea_orm::sqlx::sqlite::SqliteError;
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
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => StoreError::Unavailable(error.to_string()),
            _ => StoreError::Backend(error.to_string()),
        };
    };
    if database.is_foreign_key_violation() {
        // SQLite does not say which, so that no use case can rely on it.
        return StoreError::Conflict { constraint: "foreign_key".to_owned() };
    }
    if database.is_unique_violation() || database.is_check_violation() {
        let constraint = database.constraint().map_or_else(|| sqlite_constraint(database.message()), str::to_owned);
        return StoreError::Conflict { constraint: known_as(&constraint).to_owned() };
    }
    let code = database.code().unwrap_or_default();
    let is_sqlite = database.try_downcast_ref::<SqliteError>().is_some();
    match if is_sqlite { sqlite_class(&code) } else { postgres_class(&code) } {
        Class::Retry => StoreError::Retry,
        Class::Away => StoreError::Unavailable(database.message().to_owned()),
        Class::Ours => StoreError::Backend(database.message().to_owned()),
    }
}

/// What a refusal calls for.
enum Class {
    /// Another transaction was in the way: once more, from the beginning.
    Retry,
    /// Out of reach, full, or too slow.
    Away,
    /// A defect of ours.
    Ours,
}

/// By the codes of PostgreSQL's appendix A.
fn postgres_class(code: &str) -> Class {
    match code {
        // Serialization failure, deadlock.
        "40001" | "40P01" => Class::Retry,
        // Lock not available, cancelled by a time-out, idle in a transaction for too long; a server that only
        // reads, as one does that was made a standby.
        "55P03" | "57014" | "25P03" | "25006" => Class::Away,
        // Connection, resources (disk full, too many connections), shutting down or starting.
        _ if ["08", "53", "57P"].iter().any(|class| code.starts_with(class)) => Class::Away,
        _ => Class::Ours,
    }
}

/// By SQLite's result codes, whose low byte is the class: the driver tells extended ones.
fn sqlite_class(code: &str) -> Class {
    match code.parse::<i32>().map(|code| code & 0xff) {
        // BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN.
        Ok(5 | 6 | 7 | 8 | 10 | 13 | 14) => Class::Away,
        _ => Class::Ours,
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
        "user_emails.user_id, user_emails.address" => "user_emails_pkey",
        "memberships.organization_id, memberships.user_id" => "memberships_pkey",
        "team_members.team_id, team_members.user_id" => "team_members_pkey",
        "api_tokens.id" => "api_token_pkey",
        "api_tokens.digest" => "api_token_digest",
        "teams.id" => "team_pkey",
        "teams.organization_id, teams.slug" => "team_slug",
        "projects.id" => "project_pkey",
        "projects.organization_id, projects.slug" => "project_slug",
        "project_teams.project_id, project_teams.team_id" => "project_teams_pkey",
        "notification_settings.project_id, notification_settings.user_id" => "notification_settings_pkey",
        "issue_groups.id" => "group_pkey",
        "issue_groups.project_id, issue_groups.number" => "group_number",
        "assignments.group_id" => "assignment_pkey",
        "decisions.group_id" => "decision_pkey",
        "activities.id" => "activity_pkey",
        "followers.group_id, followers.who_kind, followers.who_id" => "followers_pkey",
        "integrations.id" => "integration_pkey",
        "integrations.collection_id" => "integration_collection",
        "installations.id" => "installation_pkey",
        "installations.organization_id, installations.integration_id" => "installation_integration",
        "connected_projects.installation_id, connected_projects.azure_project" => "connected_projects_pkey",
        "hooks.id" => "hook_pkey",
        "external_issues.id" => "external_issue_pkey",
        "external_issues.integration_id, external_issues.number" => "external_issue_number",
        "group_links.id" => "group_link_pkey",
        "group_links.group_id, group_links.external_issue_id" => "group_link_pair",
        "workflows.integration_id, workflows.azure_project, workflows.work_item_type" => "workflows_pkey",
        "tracking_rules.id" => "tracking_rule_pkey",
        "tracked_items.project_id, tracked_items.integration_id, tracked_items.number" => "tracked_items_pkey",
        "imported_teams.organization_id, imported_teams.integration_id, imported_teams.azure_project" => {
            "imported_teams_pkey"
        }
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
        "route_backlog.route_id, route_backlog.activity_id" => "route_backlog_pkey",
        "singletons.name" => "singleton_pkey",
        "interactions.id" => "interaction_pkey",
        "access_codes.digest" => "access_code_pkey",
        "wrong_codes.account" => "wrong_codes_pkey",
        "deliveries.id" => "delivery_pkey",
        "deliveries.idempotency_key" => "delivery_key",
        "outbox.id" => "outbox_pkey",
        "outbox.target" => "outbox_target",
        "lease_counter.id" => "lease_counter_pkey",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Sql;
    use crate::{Database, DatabaseOptions};
    use sea_orm::QueryResult;

    /// Every unique index of the schema, those of keys included: its table, the statement that made the table,
    /// and the columns as SQLite names them when it refuses a row. The key that is the number of the row has no
    /// index.
    const UNIQUE: &str = "SELECT t.name AS of, t.sql, i.name AS made_as, (SELECT group_concat(t.name || '.' || c.name, \
         ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) c) AS columns \
         FROM sqlite_schema t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND i.\"unique\" \
         UNION ALL SELECT t.name, t.sql, '', t.name || '.' || c.name FROM sqlite_schema t \
         JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND c.pk = 1 AND c.type = 'integer' COLLATE NOCASE";

    /// The name that the schema gives to what is unique here, or else the one that PostgreSQL makes up.
    fn name_in_schema(of: &str, sql: &str, made_as: &str, columns: &str) -> String {
        if !made_as.is_empty() && !made_as.starts_with("sqlite_autoindex") {
            return made_as.to_owned();
        }
        let column = columns.trim_start_matches(&format!("{of}."));
        let line = sql.lines().find(|line| line.trim_start().starts_with(&format!("{column} ")));
        let named = line.and_then(|line| line.split_once(" CONSTRAINT ")).map(|(_, named)| named);
        named.and_then(|named| named.split(' ').next()).map_or_else(|| format!("{of}_pkey"), str::to_owned)
    }

    #[tokio::test]
    async fn sqlite_names_everything_that_is_unique_in_the_schema_as_the_schema_does() {
        let database = Database::open(&DatabaseOptions::new("sqlite::memory:")).await.unwrap();
        database.migrate().await.unwrap();
        let text = |row: &QueryResult, column: &str| row.try_get::<String>("", column).unwrap();
        let rows = Sql::new(UNIQUE).all(&database.writer).await.unwrap();
        let ours = rows.iter().filter(|row| !["seaql_migrations", "sqlite_sequence"].contains(&&*text(row, "of")));
        let mut count = 0;
        for row in ours {
            let columns = text(row, "columns");
            let expected = name_in_schema(&text(row, "of"), &text(row, "sql"), &text(row, "made_as"), &columns);
            assert_eq!(sqlite_constraint(&format!("UNIQUE constraint failed: {columns}")), expected);
            count += 1;
        }
        assert!(count > 40, "{count} found");
    }

    #[test]
    fn a_fault_of_the_disk_is_no_defect_of_ours_whichever_part_of_it_failed() {
        // IOERR_WRITE, IOERR_FSYNC, READONLY_DBMOVED, CANTOPEN_ISDIR, BUSY_SNAPSHOT, FULL.
        for code in ["778", "1034", "1032", "526", "517", "13"] {
            assert!(matches!(sqlite_class(code), Class::Away), "{code}");
        }
        // ERROR, CONSTRAINT, MISMATCH.
        for code in ["1", "19", "20", ""] {
            assert!(matches!(sqlite_class(code), Class::Ours), "{code}");
        }
    }

    #[test]
    fn postgresqls_codes_are_told_apart() {
        assert!(matches!(postgres_class("40P01"), Class::Retry));
        for code in ["08006", "53100", "53300", "55P03", "57014", "57P01", "25P03"] {
            assert!(matches!(postgres_class(code), Class::Away), "{code}");
        }
        for code in ["42601", "22021", "25P02"] {
            assert!(matches!(postgres_class(code), Class::Ours), "{code}");
        }
    }
}
