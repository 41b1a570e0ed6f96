//! What people do in Discord: remembered interactions, codes, and what a person may see.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::access_code::{AccessCode, CodeKind, CodePurpose};
use handoff_domain::assignee::{Assignee, ChangeSource, Decision};
use handoff_domain::group::{Group, GroupStatus};
use handoff_domain::id::{GroupId, OrganizationId, ProjectId, UserId};
use handoff_domain::interaction::WrongCodes;
use handoff_domain::organization::{DiscordUserId, GuildId, InteractionId};
use handoff_domain::page::PageRequest;
use handoff_domain::port::read::GroupView;
use handoff_domain::time::Timestamp;

on_every_backend![
    an_interaction_is_remembered_once_and_forgotten_by_its_time,
    a_code_is_taken_once_by_its_kind_and_replaced_by_a_newer_one,
    wrong_codes_are_kept_by_account,
    an_account_tells_its_user,
    what_a_person_sees_is_what_their_teams_have,
    groups_are_found_by_short_id_and_title,
    whom_a_project_has_are_its_active_members,
];

fn account(id: u64) -> DiscordUserId {
    DiscordUserId::new(id).unwrap()
}

/// An interaction made so many seconds after [`NOW`].
fn interaction(later: i64) -> InteractionId {
    InteractionId::new(InteractionId::least_at(seconds(later)).unsigned_abs() + 5).unwrap()
}

fn code(byte: u8, organization: OrganizationId, purpose: CodePurpose, expires_at: Timestamp) -> AccessCode {
    AccessCode { digest: vec![byte; 32], organization, purpose, expires_at }
}

async fn an_interaction_is_remembered_once_and_forgotten_by_its_time(store: Shared) {
    let mut uow = begin(&store).await;
    assert!(uow.remember_interaction(interaction(1)).await.unwrap());
    drop(uow);
    let mut uow = begin(&store).await;
    assert!(uow.remember_interaction(interaction(1)).await.unwrap(), "what was rolled back was not remembered");
    assert!(!uow.remember_interaction(interaction(1)).await.unwrap());
    for later in [2, 3] {
        assert!(uow.remember_interaction(interaction(later)).await.unwrap());
    }
    uow.commit().await.unwrap();
    let mut uow = begin(&store).await;
    assert_eq!(uow.forget_interactions(seconds(3), NOW, 1).await.unwrap(), 1);
    assert_eq!(uow.forget_interactions(seconds(3), NOW, 100).await.unwrap(), 1);
    assert_eq!(uow.forget_interactions(seconds(3), NOW, 100).await.unwrap(), 0);
    assert!(!uow.remember_interaction(interaction(3)).await.unwrap());
    assert!(uow.remember_interaction(interaction(1)).await.unwrap());
}

async fn a_code_is_taken_once_by_its_kind_and_replaced_by_a_newer_one(store: Shared) {
    people(&store).await;
    let link = |byte, user| code(byte, ADAS, CodePurpose::Link { user }, seconds(60));
    let mut uow = begin(&store).await;
    uow.put_access_code(&link(1, ADA)).await.unwrap();
    uow.put_access_code(&link(2, ADA)).await.unwrap();
    uow.put_access_code(&link(3, BOB)).await.unwrap();
    uow.put_access_code(&code(4, ADAS, CodePurpose::Claim, seconds(60))).await.unwrap();
    uow.put_access_code(&code(5, BOBS, CodePurpose::Claim, seconds(90))).await.unwrap();
    uow.commit().await.unwrap();
    let mut uow = begin(&store).await;
    assert_eq!(uow.take_access_code(&[1; 32], CodeKind::Link).await.unwrap(), None, "replaced");
    assert_eq!(uow.take_access_code(&[2; 32], CodeKind::Claim).await.unwrap(), None, "of another kind");
    assert_eq!(uow.take_access_code(&[2; 32], CodeKind::Link).await.unwrap(), Some(link(2, ADA)));
    assert_eq!(uow.take_access_code(&[2; 32], CodeKind::Link).await.unwrap(), None, "taken");
    uow.commit().await.unwrap();
    let mut uow = begin(&store).await;
    assert_eq!(uow.forget_interactions(NOW, seconds(61), 100).await.unwrap(), 2);
    assert_eq!(uow.take_access_code(&[3; 32], CodeKind::Link).await.unwrap(), None);
    let claim = uow.take_access_code(&[5; 32], CodeKind::Claim).await.unwrap();
    assert_eq!(claim, Some(code(5, BOBS, CodePurpose::Claim, seconds(90))));
}

async fn wrong_codes_are_kept_by_account(store: Shared) {
    let mut uow = begin(&store).await;
    let none = uow.lock_wrong_codes(account(1), NOW).await.unwrap();
    assert_eq!(none, WrongCodes::none(NOW));
    uow.put_wrong_codes(account(1), none.one_more()).await.unwrap();
    uow.commit().await.unwrap();
    let mut uow = begin(&store).await;
    assert_eq!(uow.lock_wrong_codes(account(1), seconds(9)).await.unwrap(), WrongCodes { count: 1, since: NOW });
    assert_eq!(uow.lock_wrong_codes(account(2), seconds(9)).await.unwrap().count, 0);
    assert_eq!(uow.forget_interactions(NOW, seconds(1), 100).await.unwrap(), 1);
    assert_eq!(uow.lock_wrong_codes(account(1), seconds(9)).await.unwrap().count, 0);
}

async fn an_account_tells_its_user(store: Shared) {
    people(&store).await;
    let mut uow = begin(&store).await;
    uow.set_user_discord(ADA, Some(account(7))).await.unwrap();
    assert_eq!(uow.user_by_discord(account(7)).await.unwrap().map(|user| user.id), Some(ADA));
    assert_eq!(uow.user_by_discord(account(8)).await.unwrap(), None);
    uow.insert_guild(&guild()).await.unwrap();
    uow.commit().await.unwrap();
    assert_eq!(store.user_by_discord(account(7)).await.unwrap().map(|user| user.id), Some(ADA));
    assert_eq!(store.user_by_discord(account(8)).await.unwrap(), None);
    assert_eq!(store.guild(guild().id).await.unwrap(), Some(guild()));
    assert_eq!(store.guild(GuildId::new(99).unwrap()).await.unwrap(), None);
}

/// [`people`], with groups of Ada's project and one of a project that is nobody's.
async fn groups(store: &Shared) {
    people(store).await;
    let mut uow = begin(store).await;
    uow.insert_project(&project(7, "pump")).await.unwrap();
    for (id, number, title, later) in [(1, 1, "It breaks", 1), (2, 2, "100% _under_ LOAD", 3), (3, 10, "Über alles", 2)]
    {
        let last_event_at = seconds(later);
        uow.insert_group(&Group { title: name(title), last_event_at, ..group(id, number) }).await.unwrap();
    }
    let foreign = Group { project: ProjectId::new(7), ..group(9, 1) };
    uow.insert_group(&foreign).await.unwrap();
    let mine: Vec<_> = [1, 2, 3, 9].map(|id| assigned(group(id, 1).id, Assignee::User(ADA))).into();
    uow.put_assignments(&mine).await.unwrap();
    uow.commit().await.unwrap();
}

fn numbers(found: &[GroupView]) -> Vec<i64> {
    found.iter().map(|view| view.group.number).collect()
}

async fn what_a_person_sees_is_what_their_teams_have(store: Shared) {
    groups(&store).await;
    assert!(store.is_project_member(ADAS, ADA, PROJECT).await.unwrap());
    for (organization, user, project) in
        [(BOBS, ADA, PROJECT), (ADAS, BOB, PROJECT), (ADAS, ADA, ProjectId::new(7)), (ADAS, ADA, ProjectId::new(77))]
    {
        assert!(!store.is_project_member(organization, user, project).await.unwrap());
    }
    assert_eq!(numbers(&store.groups_assigned_to(ADAS, ADA, 10).await.unwrap()), [2, 10, 1], "the latest first");
    assert_eq!(numbers(&store.groups_assigned_to(ADAS, ADA, 2).await.unwrap()), [2, 10]);
    assert!(store.groups_assigned_to(ADAS, BOB, 10).await.unwrap().is_empty());
    assert!(store.groups_assigned_to(BOBS, ADA, 10).await.unwrap().is_empty());
    let mut uow = begin(&store).await;
    let resolved = Decision { value: GroupStatus::Resolved, at: NOW, source: ChangeSource::Discord { by: ADA } };
    uow.put_status_decisions(&[(group(2, 2).id, resolved)]).await.unwrap();
    uow.put_assignments(&[assigned(group(3, 10).id, Assignee::Team(TEAM))]).await.unwrap();
    uow.commit().await.unwrap();
    assert_eq!(numbers(&store.groups_assigned_to(ADAS, ADA, 10).await.unwrap()), [1], "open, and theirs alone");
    let mut uow = begin(&store).await;
    uow.hide_project(ADAS, PROJECT, NOW).await.unwrap();
    uow.commit().await.unwrap();
    assert!(!store.is_project_member(ADAS, ADA, PROJECT).await.unwrap());
    assert!(store.groups_assigned_to(ADAS, ADA, 10).await.unwrap().is_empty());
}

async fn groups_are_found_by_short_id_and_title(store: Shared) {
    groups(&store).await;
    let found = async |text: &str| numbers(&store.groups_matching(ADAS, ADA, text, 25).await.unwrap());
    assert_eq!(found("").await, [2, 10, 1]);
    assert_eq!(found("MILL-1").await, [10, 1], "the beginning of a short id");
    assert_eq!(found("load").await, [2]);
    assert_eq!(found("0% _U").await, [2]);
    for nothing in ["%", "_", "\\", "'"] {
        let matching = found(nothing).await;
        assert!(matching.is_empty() || matching == [2], "{nothing} stands for itself: {matching:?}");
    }
    assert_eq!(found("%%").await, Vec::<i64>::new());
    assert_eq!(found("ber ALLES").await, [10]);
    assert_eq!(numbers(&store.groups_matching(ADAS, ADA, "", 1).await.unwrap()), [2]);
    assert!(store.groups_matching(ADAS, BOB, "", 25).await.unwrap().is_empty());
    assert!(store.groups_matching(BOBS, ADA, "", 25).await.unwrap().is_empty());

    let by_number = async |organization, called: &str, number| {
        let found = store.group_by_number(organization, &slug(called), number).await.unwrap();
        found.map(|view| view.group.id)
    };
    assert_eq!(by_number(ADAS, "mill", 10).await, Some(GroupId::from_uuid(uuid::Uuid::from_u128(3))));
    assert_eq!(by_number(ADAS, "mill", 3).await, None);
    assert_eq!(by_number(ADAS, "mull", 1).await, None);
    assert_eq!(by_number(BOBS, "mill", 1).await, None);
}

async fn whom_a_project_has_are_its_active_members(store: Shared) {
    people(&store).await;
    let mut uow = begin(&store).await;
    let third = uow.insert_user(&user(20, "Third")).await.unwrap();
    let idle = uow.insert_user(&user(21, "Idle")).await.unwrap();
    uow.insert_team(&team(8, ADAS, "second")).await.unwrap();
    uow.add_project_team(PROJECT, handoff_domain::id::TeamId::new(8)).await.unwrap();
    for member in [ADA, third, idle] {
        uow.add_team_member(TEAM, member).await.unwrap();
        uow.add_team_member(handoff_domain::id::TeamId::new(8), member).await.unwrap();
    }
    uow.set_user_active(idle, false).await.unwrap();
    uow.commit().await.unwrap();
    let page = |after: Option<UserId>| PageRequest { after, limit: 1 };
    let first = store.project_users(ADAS, PROJECT, page(None)).await.unwrap();
    assert_eq!((first.items[0].id, first.items.len(), first.more), (ADA, 1, true));
    let second = store.project_users(ADAS, PROJECT, page(Some(ADA))).await.unwrap();
    assert_eq!((second.items[0].id, second.more), (third, false), "each once, the inactive not at all");
    assert!(store.project_users(BOBS, PROJECT, page(None)).await.unwrap().items.is_empty());
}
