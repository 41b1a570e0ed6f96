//! The use cases with mocked ports: what must never be called, and what a failure leaves behind.

mod assignee_exists;
mod assignments;
mod carry_out;
mod create_subscription;
mod delete_project;
pub(crate) mod fixtures;
mod handle_updated_workitem;
mod installations;
mod invalidate_assignee_exists_cache;
mod learn_workflow;
mod link_work_item;
mod observe;
mod post;
mod refresh_work_item;
mod routes;
mod save_project;
mod send_message;
