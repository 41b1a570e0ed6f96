//! The small world that the rules are told of: Ada's organization, with one of everything, and Bob's,
//! with nothing but Bob. Ids are fixed, so that a rule can name what it is about.

use super::Shared;
use handoff_domain::assignee::{Activity, ActivityKind, Assignee, Assignment, ChangeSource, Decision};
use handoff_domain::chat::{Guild, MessageKind, MessageRecord, Route, RouteMode};
use handoff_domain::delivery::{DeliveryRecord, DeliveryState, NewDelivery};
use handoff_domain::group::{Group, GroupStatus, Level};
use handoff_domain::hook::{EventType, Hook, HookStatus};
use handoff_domain::id::{
    ActivityId, DeliveryId, ExternalIssueId, GroupId, HookId, InstallationId, IntegrationId, LinkId, MappingId,
    MessageRecordId, OrganizationId, OutboxId, ProjectId, Revision, RouteId, TeamId, TokenId, UserId, WorkItemNumber,
};
use handoff_domain::integration::{ConnectedProject, Installation, Integration, Toggles};
use handoff_domain::organization::{ChannelId, GuildId, MessageId, Organization, Role, Team, User};
use handoff_domain::outbox::{OutboxArm, OutboxTask};
use handoff_domain::page::PageRequest;
use handoff_domain::person::{IdentityMapping, Person, Unresolved, UnresolvedReason};
use handoff_domain::port::UnitOfWork;
use handoff_domain::project::Project;
use handoff_domain::secret::Sealed;
use handoff_domain::slug::Slug;
use handoff_domain::text::Name;
use handoff_domain::time::Timestamp;
use handoff_domain::token::ApiToken;
use handoff_domain::work_item::{AzureProjectId, ExternalIssue, GroupLink};
use handoff_domain::workflow::StateMap;
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(crate) const ADAS: OrganizationId = OrganizationId::new(1);
pub(crate) const BOBS: OrganizationId = OrganizationId::new(2);
pub(crate) const ADA: UserId = UserId::new(3);
pub(crate) const BOB: UserId = UserId::new(4);
pub(crate) const TEAM: TeamId = TeamId::new(5);
pub(crate) const PROJECT: ProjectId = ProjectId::new(6);
pub(crate) const ITEM: WorkItemNumber = WorkItemNumber::new(42);

// Every kind of row may have the same number: each has a type of its own.
pub(crate) const GROUP: GroupId = GroupId::from_uuid(Uuid::from_u128(1));
pub(crate) const INTEGRATION: IntegrationId = IntegrationId::from_uuid(Uuid::from_u128(1));
pub(crate) const INSTALLATION: InstallationId = InstallationId::from_uuid(Uuid::from_u128(1));
pub(crate) const HOOK: HookId = HookId::from_uuid(Uuid::from_u128(1));
pub(crate) const ISSUE: ExternalIssueId = ExternalIssueId::from_uuid(Uuid::from_u128(1));
pub(crate) const LINK: LinkId = LinkId::from_uuid(Uuid::from_u128(1));
pub(crate) const MAPPING: MappingId = MappingId::from_uuid(Uuid::from_u128(1));
pub(crate) const ROUTE: RouteId = RouteId::from_uuid(Uuid::from_u128(1));

pub(crate) fn seconds(later: i64) -> Timestamp {
    NOW.offset_micros(later * 1_000_000)
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(crate) fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

pub(crate) fn azure_project() -> AzureProjectId {
    AzureProjectId::parse("11111111-2222-3333-4444-555555555555").unwrap()
}

pub(crate) fn organization(id: i64, called: &str) -> Organization {
    Organization {
        id: OrganizationId::new(id),
        slug: slug(called),
        name: name(called),
        issue_sync: true,
        created_at: NOW,
    }
}

pub(crate) fn user(id: i64, called: &str) -> User {
    User { id: UserId::new(id), name: name(called), active: true, discord: None, created_at: NOW }
}

pub(crate) fn team(id: i64, organization: OrganizationId, called: &str) -> Team {
    Team { id: TeamId::new(id), organization, slug: slug(called), name: name(called), created_at: NOW }
}

pub(crate) fn project(id: i64, called: &str) -> Project {
    Project { id: ProjectId::new(id), organization: ADAS, slug: slug(called), name: name(called), created_at: NOW }
}

pub(crate) fn group(id: u128, number: i64) -> Group {
    Group {
        id: GroupId::from_uuid(Uuid::from_u128(id)),
        organization: ADAS,
        project: PROJECT,
        number,
        title: name("It breaks"),
        level: Level::Error,
        status: GroupStatus::Unresolved,
        last_event_at: NOW,
        created_at: NOW,
    }
}

pub(crate) fn assigned(group: GroupId, assignee: Assignee) -> Assignment {
    Assignment { group, organization: ADAS, project: PROJECT, assignee, assigned_at: NOW }
}

/// What was decided, by what a tracker said.
pub(crate) fn decision() -> Decision {
    let source = ChangeSource::Tracker {
        integration: INTEGRATION,
        installation: INSTALLATION,
        external_issue: ISSUE,
        by: Some(BOB),
    };
    Decision { value: Some(Assignee::User(ADA)), at: seconds(1), source }
}

pub(crate) fn activity(id: u128) -> Activity {
    Activity {
        id: ActivityId::from_uuid(Uuid::from_u128(id)),
        organization: ADAS,
        project: PROJECT,
        group: GROUP,
        kind: ActivityKind::Created,
        source: None,
        at: NOW,
    }
}

pub(crate) fn integration() -> Integration {
    Integration {
        id: INTEGRATION,
        collection_id: "c".to_owned(),
        name: name("contoso"),
        base_url: "https://dev.azure.com/contoso/".to_owned(),
        created_at: NOW,
    }
}

pub(crate) fn installation(id: u128, organization: OrganizationId) -> Installation {
    Installation {
        id: InstallationId::from_uuid(Uuid::from_u128(id)),
        organization,
        integration: INTEGRATION,
        credential: Sealed(Vec::new()),
        toggles: Toggles::default(),
        credential_expires_at: None,
        created_at: NOW,
    }
}

pub(crate) fn connected() -> ConnectedProject {
    ConnectedProject {
        organization: ADAS,
        installation: INSTALLATION,
        integration: INTEGRATION,
        azure_project: azure_project(),
        name: name("Fabric"),
        state_map: StateMap::default(),
        created_at: NOW,
    }
}

pub(crate) fn hook(status: HookStatus) -> Hook {
    Hook {
        id: HOOK,
        organization: ADAS,
        installation: INSTALLATION,
        integration: INTEGRATION,
        azure_project: azure_project(),
        event_type: EventType::WorkItemUpdated,
        secret: Sealed(Vec::new()),
        subscription_id: None,
        status,
        created_at: NOW,
        updated_at: NOW,
        checked_at: Some(NOW),
        unseen: None,
    }
}

pub(crate) fn issue(id: u128, number: i64) -> ExternalIssue {
    ExternalIssue {
        id: ExternalIssueId::from_uuid(Uuid::from_u128(id)),
        integration: INTEGRATION,
        number: WorkItemNumber::new(number),
        azure_project: azure_project(),
        revision: Revision::new(1),
        title: "It breaks".to_owned(),
        work_item_type: "Bug".to_owned(),
        state: "New".to_owned(),
        assignee: None,
        area_path: None,
        tags: Vec::new(),
        url: None,
        changed_at: NOW,
        observed_at: NOW,
        deleted: false,
        assignee_changed_at: NOW,
        state_changed_at: NOW,
        pending: None,
    }
}

pub(crate) fn person(identity_id: Option<&str>, unique_name: Option<&str>) -> Person {
    Person {
        identity_id: identity_id.map(str::to_owned),
        unique_name: unique_name.map(str::to_owned),
        display_name: "Somebody".to_owned(),
        is_container: false,
    }
}

pub(crate) fn link(id: u128, group: GroupId, issue: ExternalIssueId) -> GroupLink {
    let person = person(Some("g1"), Some("eve@example.org"));
    GroupLink {
        id: LinkId::from_uuid(Uuid::from_u128(id)),
        organization: ADAS,
        group,
        external_issue: issue,
        installation: INSTALLATION,
        unresolved: Some(Unresolved { person, reason: UnresolvedReason::Unknown }),
        problem: None,
        created_at: NOW,
    }
}

pub(crate) fn mapping(id: u128, identity_id: Option<&str>, unique_name: Option<&str>, user: UserId) -> IdentityMapping {
    IdentityMapping {
        id: MappingId::from_uuid(Uuid::from_u128(id)),
        organization: ADAS,
        integration: INTEGRATION,
        identity_id: identity_id.map(str::to_owned),
        unique_name: unique_name.map(str::to_owned),
        user,
        created_at: NOW,
    }
}

pub(crate) fn guild() -> Guild {
    Guild { id: GuildId::new(1).unwrap(), organization: ADAS, name: name("Guild"), created_at: NOW }
}

pub(crate) fn route(id: u128, channel: u64) -> Route {
    Route {
        id: RouteId::from_uuid(Uuid::from_u128(id)),
        organization: ADAS,
        project: PROJECT,
        guild: guild().id,
        channel: ChannelId::new(channel).unwrap(),
        mode: RouteMode::Card,
        ids_only: false,
        disabled: None,
        created_at: NOW,
    }
}

pub(crate) fn card(id: u128) -> MessageRecord {
    MessageRecord {
        id: MessageRecordId::from_uuid(Uuid::from_u128(id)),
        organization: ADAS,
        group: GROUP,
        route: ROUTE,
        kind: MessageKind::Card,
        subject: String::new(),
        channel: ChannelId::new(1).unwrap(),
        message: MessageId::new(1),
        nonce: String::new(),
        nonce_at: NOW,
        digest: None,
    }
}

pub(crate) fn arm(id: u128, task: OutboxTask) -> OutboxArm {
    let id = OutboxId::from_uuid(Uuid::from_u128(id));
    OutboxArm { id, organization: ADAS, project: Some(PROJECT), task, due_at: NOW }
}

pub(crate) fn card_task() -> OutboxTask {
    OutboxTask::Card { group: GROUP, route: ROUTE }
}

/// A token of the whole instance; every one has the same digest.
pub(crate) fn token(id: u128) -> ApiToken {
    ApiToken {
        id: TokenId::from_uuid(Uuid::from_u128(id)),
        name: name("A script"),
        organization: None,
        digest: vec![7; 32],
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
    }
}

/// A pending delivery of a work item, arrived `id` seconds after [`NOW`].
pub(crate) fn delivery(id: u16, work_item: i64) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::from_uuid(Uuid::from_u128(u128::from(id))),
        hook: HOOK,
        integration: INTEGRATION,
        azure_project: azure_project(),
        event_type: Some(EventType::WorkItemUpdated),
        work_item: Some(WorkItemNumber::new(work_item)),
        idempotency_key: Some(format!("update {id}")),
        payload: b"{}".to_vec(),
        state: DeliveryState::Pending,
        reason: None,
        received_at: seconds(i64::from(id)),
        arm: None,
    }
}

/// A unit of work.
pub(crate) async fn begin(store: &Shared) -> Box<dyn UnitOfWork> {
    store.begin().await.unwrap()
}

/// All deliveries that Ada's organization sees, newest first.
pub(crate) async fn all_deliveries(store: &Shared) -> Vec<DeliveryRecord> {
    let mut found = Vec::new();
    let mut page = PageRequest { after: None, limit: PageRequest::<DeliveryId>::MAX };
    loop {
        let next = store.deliveries(ADAS, None, page).await.unwrap();
        found.extend(next.items);
        if !next.more {
            return found;
        }
        page.after = found.last().map(|one| one.id);
    }
}

/// Fills an empty store with the two organizations and their people, and Ada's team with its project.
pub(crate) async fn people(store: &Shared) {
    let mut uow = begin(store).await;
    for (id, called, whose) in [(1, "adas", user(3, "Ada")), (2, "bobs", user(4, "Bob"))] {
        let own = uow.insert_organization(&organization(id, called)).await.unwrap();
        let whose = uow.insert_user(&whose).await.unwrap();
        uow.put_membership(own, whose, Role::Member).await.unwrap();
    }
    uow.insert_team(&team(5, ADAS, "engines")).await.unwrap();
    uow.add_team_member(TEAM, ADA).await.unwrap();
    uow.insert_project(&project(6, "mill")).await.unwrap();
    uow.add_project_team(PROJECT, TEAM).await.unwrap();
    uow.commit().await.unwrap();
}

/// [`people`], and Ada's tracker with its connected project.
pub(crate) async fn tracker(store: &Shared) {
    people(store).await;
    let mut uow = begin(store).await;
    uow.put_integration(&integration()).await.unwrap();
    uow.insert_installation(&installation(1, ADAS)).await.unwrap();
    uow.put_connected_project(&connected()).await.unwrap();
    uow.commit().await.unwrap();
}

/// [`tracker`], and one of everything else, Ada's.
pub(crate) async fn world(store: &Shared) {
    tracker(store).await;
    let mut uow = begin(store).await;
    uow.insert_group(&group(1, 1)).await.unwrap();
    uow.put_assignments(&[assigned(GROUP, Assignee::User(ADA))]).await.unwrap();
    uow.insert_activities(&[activity(1)]).await.unwrap();
    uow.put_hook(&hook(HookStatus::Enabled)).await.unwrap();
    uow.put_external_issues(&[issue(1, ITEM.get())]).await.unwrap();
    uow.insert_link(&link(1, GROUP, ISSUE)).await.unwrap();
    uow.insert_mapping(&mapping(1, Some("g7"), None, ADA)).await.unwrap();
    uow.insert_guild(&guild()).await.unwrap();
    uow.insert_route(&route(1, 1)).await.unwrap();
    uow.put_message_record(&card(1)).await.unwrap();
    uow.arm(&[arm(1, card_task())]).await.unwrap();
    uow.commit().await.unwrap();
    store.append(delivery(1, ITEM.get())).await.unwrap();
}
