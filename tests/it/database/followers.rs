//! Who follows a group: no port shows it yet, so the table is asked.

use super::{NOW, ORGANIZATION, organization};
use handoff_domain::assignee::{Assignee, FollowReason, Follower};
use handoff_domain::group::{Group, GroupStatus, Level};
use handoff_domain::id::{GroupId, ProjectId, UserId};
use handoff_domain::port::{Store, UnitOfWork};
use handoff_domain::project::Project;
use handoff_domain::slug::Slug;
use handoff_domain::text::Name;
use handoff_tests::database::TestDatabase;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use uuid::Uuid;

handoff_tests::on_each_database![who_follows_already_stays_as_they_are_and_goes_only_for_their_own_reason];

const PROJECT: ProjectId = ProjectId::new(1);
const GROUP: GroupId = GroupId::from_uuid(Uuid::from_u128(1));

async fn group(uow: &mut dyn UnitOfWork) {
    let name = Name::parse("Mill").unwrap();
    uow.insert_organization(&organization()).await.unwrap();
    let slug = Slug::parse("mill").unwrap();
    let project = Project { id: PROJECT, organization: ORGANIZATION, slug, name: name.clone(), created_at: NOW };
    uow.insert_project(&project).await.unwrap();
    let group = Group {
        id: GROUP,
        organization: ORGANIZATION,
        project: PROJECT,
        number: 1,
        title: name,
        level: Level::Error,
        status: GroupStatus::Unresolved,
        last_event_at: NOW,
        created_at: NOW,
    };
    uow.insert_group(&group).await.unwrap();
}

async fn reasons(of: &DatabaseConnection) -> Vec<String> {
    let all = "SELECT reason FROM followers ORDER BY who_kind, who_id";
    let rows = of.query_all_raw(Statement::from_string(of.get_database_backend(), all)).await.unwrap();
    rows.iter().map(|row| row.try_get("", "reason").unwrap()).collect()
}

async fn who_follows_already_stays_as_they_are_and_goes_only_for_their_own_reason(place: TestDatabase) {
    use FollowReason::{Assigned, Subscribed};
    let database = place.open().await.unwrap();
    let table = sea_orm::Database::connect(place.url()).await.unwrap();
    let (one, other) = (Assignee::User(UserId::new(3)), Assignee::User(UserId::new(4)));
    let row = |who, reason| Follower { group: GROUP, organization: ORGANIZATION, who, reason, following: true };
    let mut uow = database.begin().await.unwrap();
    group(uow.as_mut()).await;
    uow.add_followers(&[row(one, Subscribed), row(other, Assigned)]).await.unwrap();
    uow.add_followers(&[row(one, Assigned), row(other, Subscribed)]).await.unwrap();
    uow.commit().await.unwrap();
    assert_eq!(reasons(&table).await, ["subscribed", "assigned"]);
    let mut uow = database.begin().await.unwrap();
    uow.remove_followers(&[(GROUP, one), (GROUP, other)], Assigned).await.unwrap();
    uow.commit().await.unwrap();
    assert_eq!(reasons(&table).await, ["subscribed"]);
    let mut uow = database.begin().await.unwrap();
    uow.remove_followers(&[(GROUP, one)], Subscribed).await.unwrap();
    uow.commit().await.unwrap();
    assert!(reasons(&table).await.is_empty());
    table.close().await.unwrap();
    database.close().await.unwrap();
}
