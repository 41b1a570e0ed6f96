//! The tables as sea-orm sees them, one module each, after the newest migration.
#![expect(unreachable_pub, reason = "sea-orm's derive makes public types, which need a public model")]

/// A table: its entity, model and columns in a module of its name.
macro_rules! table {
    ($name:ident, $table:tt { $($(#[$attribute:meta])* $column:ident: $type:ty,)* }) => {
        pub(crate) mod $name {
            use sea_orm::entity::prelude::*;

            #[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                $($(#[$attribute])* pub $column: $type,)*
            }

            #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

table!(organizations, "organizations" {
    #[sea_orm(primary_key)]
    id: i64,
    slug: String,
    name: String,
    issue_sync: bool,
    created_at: i64,
});

table!(users, "users" {
    #[sea_orm(primary_key)]
    id: i64,
    name: String,
    active: bool,
    discord: Option<i64>,
    created_at: i64,
});

table!(user_emails, "user_emails" {
    #[sea_orm(primary_key, auto_increment = false)]
    user_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    address: String,
    verified: bool,
});

table!(memberships, "memberships" {
    #[sea_orm(primary_key, auto_increment = false)]
    organization_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    user_id: i64,
    role: String,
});

table!(teams, "teams" {
    #[sea_orm(primary_key)]
    id: i64,
    organization_id: i64,
    slug: String,
    name: String,
    created_at: i64,
});

table!(team_members, "team_members" {
    #[sea_orm(primary_key, auto_increment = false)]
    team_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    user_id: i64,
});

table!(api_tokens, "api_tokens" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    name: String,
    organization_id: Option<i64>,
    digest: Vec<u8>,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
});

table!(projects, "projects" {
    #[sea_orm(primary_key)]
    id: i64,
    organization_id: i64,
    slug: String,
    name: String,
    next_group_number: i64,
    created_at: i64,
    hidden_at: Option<i64>,
});

table!(notification_settings, "notification_settings" {
    #[sea_orm(primary_key, auto_increment = false)]
    project_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    user_id: i64,
    mention: bool,
});

table!(issue_groups, "issue_groups" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    organization_id: i64,
    project_id: i64,
    number: i64,
    title: String,
    level: String,
    status: String,
    status_decided_at: Option<i64>,
    status_source: Option<String>,
    last_event_at: i64,
    created_at: i64,
});

table!(assignments, "assignments" {
    #[sea_orm(primary_key, auto_increment = false)]
    group_id: Uuid,
    organization_id: i64,
    project_id: i64,
    user_id: Option<i64>,
    team_id: Option<i64>,
    assigned_at: i64,
});

table!(decisions, "decisions" {
    #[sea_orm(primary_key, auto_increment = false)]
    group_id: Uuid,
    user_id: Option<i64>,
    team_id: Option<i64>,
    decided_at: i64,
    source: String,
});

table!(activities, "activities" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    organization_id: i64,
    project_id: i64,
    group_id: Uuid,
    kind: String,
    source: Option<String>,
    at: i64,
});

table!(followers, "followers" {
    #[sea_orm(primary_key, auto_increment = false)]
    group_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    who_kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    who_id: i64,
    organization_id: i64,
    reason: String,
    following: bool,
});

table!(integrations, "integrations" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    collection_id: String,
    name: String,
    base_url: String,
    created_at: i64,
});

table!(installations, "installations" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    organization_id: i64,
    integration_id: Uuid,
    credential: Vec<u8>,
    inbound_assignee: bool,
    outbound_assignee: bool,
    inbound_status: bool,
    outbound_status: bool,
    comments: bool,
    siblings: bool,
    created_at: i64,
    credential_expires_at: Option<i64>,
});

table!(connected_projects, "connected_projects" {
    #[sea_orm(primary_key, auto_increment = false)]
    installation_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    azure_project: String,
    organization_id: i64,
    integration_id: Uuid,
    name: String,
    state_map: Option<String>,
    created_at: i64,
    hooks_due_at: i64,
    reconcile_due_at: i64,
    new_credential: bool,
});

table!(hooks, "hooks" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    organization_id: i64,
    installation_id: Uuid,
    integration_id: Uuid,
    azure_project: String,
    event_type: String,
    secret: Vec<u8>,
    subscription_id: Option<String>,
    status: String,
    created_at: i64,
    updated_at: i64,
    checked_at: Option<i64>,
    unseen: Option<String>,
});

table!(external_issues, "external_issues" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    integration_id: Uuid,
    number: i64,
    azure_project: String,
    revision: i64,
    title: String,
    work_item_type: String,
    state: String,
    assignee: Option<String>,
    area_path: Option<String>,
    tags: String,
    url: Option<String>,
    changed_at: i64,
    observed_at: i64,
    deleted: bool,
    assignee_changed_at: i64,
    state_changed_at: i64,
    pending: Option<String>,
});

table!(group_links, "group_links" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    organization_id: i64,
    group_id: Uuid,
    external_issue_id: Uuid,
    installation_id: Uuid,
    unresolved: Option<String>,
    unresolved_identity: Option<String>,
    unresolved_name: Option<String>,
    problem: Option<String>,
    created_at: i64,
    unresolved_key: Option<String>,
});

table!(tracking_rules, "tracking_rules" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    organization_id: i64,
    installation_id: Uuid,
    integration_id: Uuid,
    azure_project: String,
    project_id: i64,
    work_item_type: Option<String>,
    area_path: Option<String>,
    tag: Option<String>,
    created_at: i64,
});

table!(workflows, "workflows" {
    #[sea_orm(primary_key, auto_increment = false)]
    integration_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    azure_project: String,
    #[sea_orm(primary_key, auto_increment = false)]
    work_item_type: String,
    states: String,
    learned_at: i64,
});

table!(identity_mappings, "identity_mappings" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    organization_id: i64,
    integration_id: Uuid,
    identity_id: Option<String>,
    unique_name: Option<String>,
    user_id: i64,
    created_at: i64,
});

table!(guilds, "guilds" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: i64,
    organization_id: i64,
    name: String,
    created_at: i64,
});

table!(routes, "routes" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    organization_id: i64,
    project_id: i64,
    guild_id: i64,
    channel: i64,
    mode: String,
    ids_only: bool,
    filter: String,
    quiet_hours: Option<String>,
    disabled: Option<String>,
    created_at: i64,
});

table!(messages, "messages" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    organization_id: i64,
    group_id: Uuid,
    route_id: Uuid,
    kind: String,
    subject: String,
    channel: i64,
    message: Option<i64>,
    nonce: String,
    nonce_at: i64,
    digest: Option<String>,
    reposted_at: Option<i64>,
    given_up: bool,
});

table!(route_backlog, "route_backlog" {
    #[sea_orm(primary_key, auto_increment = false)]
    route_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    activity_id: Uuid,
    organization_id: i64,
    group_id: Uuid,
    summary_id: Option<Uuid>,
});

table!(deliveries, "deliveries" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    hook_id: Uuid,
    integration_id: Uuid,
    azure_project: String,
    event_type: Option<String>,
    work_item: Option<i64>,
    idempotency_key: Option<String>,
    payload: Vec<u8>,
    state: String,
    reason: Option<String>,
    attempts: i32,
    duplicates: i32,
    received_at: i64,
    due_at: i64,
    lease_token: Option<i64>,
    lease_until: Option<i64>,
    finished_at: Option<i64>,
});

table!(outbox, "outbox" {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    organization_id: i64,
    project_id: Option<i64>,
    group_id: Option<Uuid>,
    concern_id: Option<Uuid>,
    kind: String,
    target: Option<String>,
    task: String,
    state: String,
    generation: i64,
    attempts: i32,
    due_at: i64,
    reason: Option<String>,
    lease_token: Option<i64>,
    lease_until: Option<i64>,
    finished_at: Option<i64>,
});
