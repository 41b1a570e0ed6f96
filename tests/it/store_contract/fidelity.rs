//! What is read is what was written: bytes, times, numbers and their order are the same on every store.

use super::fixtures::*;
use super::{Shared, on_every_backend};
use handoff_domain::assignee::Assignee;
use handoff_domain::chat::Guild;
use handoff_domain::delivery::NewDelivery;
use handoff_domain::group::Group;
use handoff_domain::id::{GroupId, MAX_SAFE_INTEGER, OrganizationId, Revision, WorkItemNumber};
use handoff_domain::integration::ConnectedProject;
use handoff_domain::organization::{DiscordUserId, GuildId, Organization};
use handoff_domain::page::PageRequest;
use handoff_domain::port::{Appended, Inbox};
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::{AzureProjectId, ExternalIssue};
use uuid::Uuid;

on_every_backend![
    a_payload_is_kept_byte_for_byte,
    a_time_is_kept_to_the_microsecond,
    texts_are_the_same_only_byte_by_byte,
    a_text_of_any_letters_comes_back_as_it_was,
    ids_sort_byte_by_byte,
    the_largest_numbers_come_back_as_they_were,
    a_decision_comes_back_as_it_was,
];

/// Discord's ids are numbers of 64 bits, of which the first is never set.
const LARGEST: u64 = u64::MAX >> 1;

async fn a_payload_is_kept_byte_for_byte(store: Shared) {
    tracker(&store).await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let payloads: [&[u8]; 5] =
        [b"{\"title\":\"a\0b\"}", b"{\"title\":\"\\ud800\\u0000\"}", b"\xed\xa0\x80", &every_byte, b""];
    for (n, payload) in (1_u16..).zip(payloads) {
        store.append(NewDelivery { payload: payload.to_vec(), ..delivery(n, n.into()) }).await.unwrap();
    }
    let claimed = Inbox::claim(&*store, seconds(10), seconds(60), 10).await.unwrap();
    assert_eq!(claimed.iter().map(|one| one.payload.as_slice()).collect::<Vec<_>>(), payloads);
    for (one, payload) in claimed.iter().zip(payloads) {
        assert_eq!(store.delivery(ADAS, one.id).await.unwrap().unwrap().1, payload);
    }
}

async fn a_time_is_kept_to_the_microsecond(store: Shared) {
    people(&store).await;
    for (n, micros) in (10..).zip([0, 1, -1, 1_700_000_000_123_456, 4_102_444_800_999_999, i64::MAX, i64::MIN]) {
        let made = Organization { created_at: Timestamp::from_micros(micros), ..organization(n, &format!("o{n}")) };
        let mut uow = begin(&store).await;
        uow.insert_organization(&made).await.unwrap();
        uow.commit().await.unwrap();
        assert_eq!(store.organization(made.id).await.unwrap(), Some(made));
    }
    let (one, next) = (Timestamp::from_micros(NOW.as_micros() + 1), Timestamp::from_micros(NOW.as_micros() + 2));
    let mut uow = begin(&store).await;
    uow.insert_group(&Group { last_event_at: one, ..group(1, 1) }).await.unwrap();
    assert_eq!(uow.groups_seen_since(PROJECT, one, None, 10).await.unwrap(), [GROUP]);
    assert!(uow.groups_seen_since(PROJECT, next, None, 10).await.unwrap().is_empty());
}

async fn texts_are_the_same_only_byte_by_byte(store: Shared) {
    people(&store).await;
    // Composed and decomposed, in capitals and not, with and without a space: to a collation, the same.
    let keys = ["caf\u{e9}", "cafe\u{301}", "cafe", "CAFE", "cafe ", "stra\u{df}e", "strasse", ""];
    for (n, key) in (1_u16..).zip(keys) {
        let new = NewDelivery { idempotency_key: Some(key.to_owned()), ..delivery(n, 42) };
        assert_eq!(store.append(new).await, Ok(Appended::New), "{key:?}");
    }
    let mut uow = begin(&store).await;
    for (n, called) in (100..).zip(["a-b", "ab", "a-b-c", "abc", "a1", "a-1"]) {
        uow.insert_project(&project(n, called)).await.unwrap();
    }
    uow.commit().await.unwrap();
    let found = store.project_by_slug(ADAS, &slug("a-b")).await.unwrap().unwrap();
    assert_eq!(found.id.get(), 100);
}

async fn a_text_of_any_letters_comes_back_as_it_was(store: Shared) {
    world(&store).await;
    let title = "\u{202e}\u{1f600} \u{10ffff} e\u{301} '\"\\ $1 ?1 :a % _ \u{feff}";
    let known = ExternalIssue {
        title: title.to_owned(),
        area_path: Some(format!("{title}\\{title}")),
        tags: vec![title.to_owned(), "b".to_owned(), "B, c".to_owned()],
        ..issue(1, ITEM.get())
    };
    let mut uow = begin(&store).await;
    uow.put_external_issues(std::slice::from_ref(&known)).await.unwrap();
    uow.commit().await.unwrap();
    assert_eq!(store.link(ADAS, LINK).await.unwrap().unwrap().1, known);
}

async fn ids_sort_byte_by_byte(store: Shared) {
    tracker(&store).await;
    let ids: [u128; 6] = [1, 0x7f << 120, 0x80 << 120, 0xfe << 120, (0xff << 120) + 1, u128::MAX];
    let mut uow = begin(&store).await;
    for (number, id) in (1..).zip(ids.iter().rev()) {
        uow.insert_group(&group(*id, number)).await.unwrap();
    }
    for last in ["a", "9", "0", "f", "1"] {
        let azure_project = AzureProjectId::parse(&format!("11111111-2222-3333-4444-55555555555{last}")).unwrap();
        uow.put_connected_project(&ConnectedProject { azure_project, ..connected() }).await.unwrap();
    }
    let groups = ids.map(|id| GroupId::from_uuid(Uuid::from_u128(id)));
    let shuffled = [groups[3], groups[0], groups[5], groups[2], groups[4], groups[1]];
    let locked = uow.lock_groups(&shuffled).await.unwrap();
    assert_eq!(locked.iter().map(|state| state.group.id).collect::<Vec<_>>(), groups);
    assert_eq!(uow.groups_seen_since(PROJECT, NOW, Some(groups[1]), 10).await.unwrap(), groups[2..]);
    uow.commit().await.unwrap();
    let mut page = PageRequest { after: None, limit: 4 };
    let first = store.groups(ADAS, PROJECT, page).await.unwrap();
    page.after = first.items.last().map(|one| one.group.id);
    let second = store.groups(ADAS, PROJECT, page).await.unwrap();
    let listed: Vec<_> = first.items.iter().chain(&second.items).map(|one| one.group.id).collect();
    assert_eq!((listed, first.more, second.more), (groups.to_vec(), true, false));
    let connected = store.connected_projects(ADAS, INSTALLATION).await.unwrap();
    let last: String = connected.iter().filter_map(|one| one.azure_project.as_str().chars().last()).collect();
    assert_eq!(last, "0159af");
}

async fn the_largest_numbers_come_back_as_they_were(store: Shared) {
    world(&store).await;
    let largest = ExternalIssue { revision: Revision::new(MAX_SAFE_INTEGER), ..issue(2, MAX_SAFE_INTEGER) };
    let theirs = Guild { id: GuildId::new(LARGEST).unwrap(), ..guild() };
    let mut uow = begin(&store).await;
    uow.put_external_issues(std::slice::from_ref(&largest)).await.unwrap();
    uow.insert_guild(&theirs).await.unwrap();
    uow.set_user_discord(ADA, DiscordUserId::new(LARGEST)).await.unwrap();
    let key = (INTEGRATION, WorkItemNumber::new(MAX_SAFE_INTEGER));
    assert_eq!(uow.lock_external_issues(&[key]).await.unwrap(), [largest]);
    uow.commit().await.unwrap();
    assert!(store.guilds(ADAS).await.unwrap().contains(&theirs));
    let ada = store.member(ADAS, ADA).await.unwrap().unwrap().user;
    assert_eq!(ada.discord, DiscordUserId::new(LARGEST));
    assert_eq!(store.organization(OrganizationId::new(i64::MAX)).await.unwrap(), None);
}

async fn a_decision_comes_back_as_it_was(store: Shared) {
    world(&store).await;
    let mut uow = begin(&store).await;
    assert_eq!(uow.lock_groups(&[GROUP]).await.unwrap()[0].decision, None);
    for value in [Some(Assignee::User(ADA)), Some(Assignee::Team(TEAM)), None] {
        let decided = handoff_domain::assignee::Decision { value, ..decision() };
        uow.put_decisions(&[(GROUP, decided.clone())]).await.unwrap();
        assert_eq!(uow.lock_groups(&[GROUP]).await.unwrap()[0].decision, Some(decided));
    }
}
