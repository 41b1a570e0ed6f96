//! Members, teams, tokens, and what an organization set up.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::chat::{MessageKind, MessageRecord};
use handoff_domain::id::{GroupId, IntegrationId, MessageRecordId, RouteId};
use handoff_domain::integration::{ConnectedProject, Integration, Toggles};
use handoff_domain::organization::{MessageId, Role, UserEmail};
use handoff_domain::page::PageRequest;
use handoff_domain::secret::Sealed;
use handoff_domain::text::EmailAddress;
use handoff_domain::token::ApiToken;
use uuid::Uuid;

on_every_backend![
    a_token_is_found_by_its_digest_and_revoked_once,
    what_is_put_again_takes_the_place_of_what_was,
    a_team_has_whom_it_was_given_until_they_are_removed,
    a_collection_is_one_integration_whoever_installs_it,
    what_is_connected_already_stays_as_it_is,
    the_toggles_of_an_installation_reach_its_links,
    a_credential_takes_the_place_of_the_old_one,
    the_groups_with_a_card_on_a_route_are_told_in_pages,
    a_ping_is_known_by_the_activity_it_tells_of,
];

async fn a_token_is_found_by_its_digest_and_revoked_once(store: Shared) {
    people(&store).await;
    let kept = ApiToken { organization: Some(ADAS), expires_at: Some(seconds(60)), ..token(1) };
    let mut uow = begin(&store).await;
    uow.insert_token(&kept).await.unwrap();
    uow.commit().await.unwrap();
    assert_eq!(store.token_by_digest(&kept.digest).await.unwrap().as_ref(), Some(&kept));
    assert_eq!(store.token_by_digest(&[8; 32]).await.unwrap(), None);
    let mut uow = begin(&store).await;
    assert!(!uow.revoke_token(kept.id, seconds(60)).await.unwrap(), "it has run out by then");
    assert!(uow.revoke_token(kept.id, seconds(1)).await.unwrap());
    assert!(!uow.revoke_token(kept.id, seconds(2)).await.unwrap(), "revoked already");
    uow.commit().await.unwrap();
    let revoked = store.token_by_digest(&kept.digest).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(seconds(1)));
}

async fn what_is_put_again_takes_the_place_of_what_was(store: Shared) {
    people(&store).await;
    let email = |verified| UserEmail { user: ADA, address: EmailAddress::parse("ada@example.org").unwrap(), verified };
    let mut uow = begin(&store).await;
    uow.put_membership(ADAS, ADA, Role::Owner).await.unwrap();
    uow.put_user_email(&email(true)).await.unwrap();
    uow.put_user_email(&email(false)).await.unwrap();
    uow.commit().await.unwrap();
    let ada = store.member(ADAS, ADA).await.unwrap().unwrap();
    assert_eq!((ada.role, ada.emails), (Role::Owner, vec![email(false)]));
    assert_eq!(store.members(ADAS, PageRequest::first()).await.unwrap().items.len(), 1);
}

async fn a_team_has_whom_it_was_given_until_they_are_removed(store: Shared) {
    people(&store).await;
    let mut uow = begin(&store).await;
    uow.add_team_member(TEAM, ADA).await.unwrap();
    uow.add_project_team(PROJECT, TEAM).await.unwrap();
    assert_eq!(uow.team_members(&[TEAM]).await.unwrap(), [(TEAM, ADA)]);
    assert!(uow.project_members(&[(ADA, PROJECT), (BOB, PROJECT)]).await.unwrap().contains(&(ADA, PROJECT)));
    assert!(uow.remove_team_member(TEAM, ADA).await.unwrap());
    assert!(!uow.remove_team_member(TEAM, ADA).await.unwrap());
    assert!(uow.project_members(&[(ADA, PROJECT)]).await.unwrap().is_empty());
    assert!(uow.remove_project_team(PROJECT, TEAM).await.unwrap());
    assert!(!uow.remove_project_team(PROJECT, TEAM).await.unwrap());
    assert!(!uow.set_user_active(user(99, "Nobody").id, false).await.unwrap());
    assert!(!uow.lock_organization(organization(99, "nobodys").id).await.unwrap());
    uow.commit().await.unwrap();
    assert!(store.project_teams(ADAS, PROJECT).await.unwrap().is_empty());
}

async fn a_collection_is_one_integration_whoever_installs_it(store: Shared) {
    tracker(&store).await;
    let theirs = Integration { id: IntegrationId::from_uuid(Uuid::from_u128(2)), ..integration() };
    let mut uow = begin(&store).await;
    assert_eq!(uow.put_integration(&theirs).await.unwrap(), integration());
    uow.insert_installation(&installation(2, BOBS)).await.unwrap();
    uow.commit().await.unwrap();
    assert_eq!(store.integrations(BOBS, PageRequest::first()).await.unwrap().items, [integration()]);
}

async fn what_is_connected_already_stays_as_it_is(store: Shared) {
    tracker(&store).await;
    let mut uow = begin(&store).await;
    uow.put_connected_project(&ConnectedProject { name: name("Renamed"), ..connected() }).await.unwrap();
    uow.commit().await.unwrap();
    assert_eq!(store.connected_projects(ADAS, INSTALLATION).await.unwrap(), [connected()]);
}

async fn the_toggles_of_an_installation_reach_its_links(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    for inbound_assignee in [false, true] {
        let toggles = Toggles { inbound_assignee, ..Toggles::default() };
        assert!(uow.set_toggles(ADAS, INSTALLATION, &toggles).await.unwrap());
        let links = uow.links_of(&[ISSUE]).await.unwrap();
        assert_eq!(links.iter().map(|one| one.toggles).collect::<Vec<_>>(), [toggles]);
        assert_eq!(links[0].link, link(1, GROUP, ISSUE));
    }
}

async fn a_credential_takes_the_place_of_the_old_one(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    assert!(uow.set_credential(ADAS, INSTALLATION, &Sealed(vec![9, 0, 255])).await.unwrap());
    uow.commit().await.unwrap();
    let (found, _) = store.installation(ADAS, INSTALLATION).await.unwrap().unwrap();
    assert_eq!((found.credential, found.toggles), (Sealed(vec![9, 0, 255]), Toggles::default()));
}

async fn the_groups_with_a_card_on_a_route_are_told_in_pages(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    uow.put_message_record(&card(1)).await.unwrap();
    for (id, kind) in [(2, MessageKind::Card), (3, MessageKind::Card), (4, MessageKind::Ping)] {
        let of = group(id, i64::try_from(id).unwrap());
        uow.insert_group(&of).await.unwrap();
        uow.put_message_record(&MessageRecord { group: of.id, kind, ..card(id) }).await.unwrap();
    }
    let ids = |ids: &[u128]| ids.iter().map(|id| GroupId::from_uuid(Uuid::from_u128(*id))).collect::<Vec<_>>();
    assert_eq!(uow.groups_with_card(ROUTE, None, 2).await.unwrap(), ids(&[1, 2]));
    assert_eq!(uow.groups_with_card(ROUTE, Some(ids(&[2])[0]), 2).await.unwrap(), ids(&[3]));
    assert_eq!(uow.groups_with_card(RouteId::from_uuid(Uuid::from_u128(99)), None, 2).await.unwrap(), []);
}

async fn a_ping_is_known_by_the_activity_it_tells_of(store: Shared) {
    world(&store).await;
    let ping = |id: u128, subject: &str| MessageRecord {
        id: MessageRecordId::from_uuid(Uuid::from_u128(id)),
        kind: MessageKind::Ping,
        subject: subject.to_owned(),
        ..card(id)
    };
    let mut uow = begin(&store).await;
    uow.put_message_record(&ping(2, "one")).await.unwrap();
    uow.put_message_record(&ping(3, "other")).await.unwrap();
    assert_eq!(uow.message_record(GROUP, ROUTE, MessageKind::Ping, "one").await.unwrap(), Some(ping(2, "one")));
    assert_eq!(uow.message_record(GROUP, ROUTE, MessageKind::Ping, "").await.unwrap(), None);
    let sent = MessageRecord {
        message: MessageId::new(77),
        nonce: "n".to_owned(),
        digest: Some("d".to_owned()),
        ..ping(2, "one")
    };
    uow.put_message_record(&sent).await.unwrap();
    assert_eq!(uow.message_record(GROUP, ROUTE, MessageKind::Ping, "one").await.unwrap(), Some(sent));
}
