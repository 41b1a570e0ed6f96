//! What happens: one file for each step of the flow, each a named function behind ports.
//!
//! A use case opens one unit of work, decides with pure functions that collect what follows in a
//! [`ChangeSet`], writes that, commits, and only then does best-effort work (caches, wake-ups). No
//! network call is made while a unit of work is open.

pub mod assign;
pub mod assignee_exists;
pub mod assignments;
pub mod carry_out;
pub mod change_set;
pub mod comment;
pub mod connection;
pub mod converge_work_item;
pub mod create_subscription;
pub mod create_work_item;
pub mod deassign;
pub mod delete_project;
pub mod error;
pub mod essentials;
pub mod generate_snowflake_id;
pub mod groups;
pub mod guilds;
pub mod handle_assign_to;
pub mod handle_updated_workitem;

pub mod import_people;
pub mod installations;
pub mod invalidate_assignee_exists_cache;
pub mod learn_workflow;
pub mod link_work_item;
pub mod mappings;
pub mod observe;
pub mod organizations;
mod outage_wait;
mod outward_plan;
pub mod post;
pub mod precedence;
pub mod projects;
pub mod prove_public_url;
pub mod reconcile_report;
pub mod refresh_work_item;
pub mod replay;
pub mod routes;
mod said;
pub mod save_project;
pub mod save_with_snowflake_id;
pub mod send_message;
pub mod set_status;
pub mod sync_group_assignee_inbound;
pub mod sync_group_status_inbound;
pub mod teams;
pub mod tokens;
pub mod track_work_item;
pub mod tracking_rules;
pub mod users;
mod waiting_links;
pub mod watch;
mod workflows;

#[cfg(test)]
mod tests;

pub use assignments::Assignments;
pub use change_set::ChangeSet;
pub use error::UseCaseError;
