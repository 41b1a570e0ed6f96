//! Something that we stand on is gone for a while: Azure DevOps is asked to come again, in time, and when it is
//! back everything that happened meanwhile is applied.

use super::theatre::{Theatre, eventually};
use crate::bad_input::outage::{REFUSES, WORKS, flaky_scene};
use handoff_sandbox::azure::SubscriptionStatus;
use handoff_tests::database::{Kind, TestDatabase};
use handoff_tests::leftovers::Expected;
use handoff_tests::proxy::{Line, Proxy};
use handoff_tests::sight::Change;
use handoff_tests::webhook::Caller;
use reqwest::Method;
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection};
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::Duration;
use url::Url;

/// Gives a work item to one member after another while the database is gone; when it is back, the group is
/// the last one's, as if nothing had been.
async fn database_is_gone(theatre: &Theatre, gone: impl AsyncFnOnce(), back: impl AsyncFnOnce()) {
    let Theatre { served, people, .. } = theatre;
    let (item, group) = theatre.linked("The mill stops").await;
    theatre.settle().await;
    let hook = served.azure.subscriptions().into_iter().find(|hook| hook.event_type == "workitem.updated").unwrap().id;
    theatre.assign_there(item, &people[0]);
    theatre.settle().await;

    gone().await;
    theatre.assign_there(item, &people[1]);
    let refused = || {
        let told = served.azure.last_notification(hook).unwrap();
        told.attempts.iter().any(|attempt| attempt.status == Some(503))
    };
    eventually("Azure DevOps is asked to come again", refused).await;
    let delivery = served.azure.last_notification(hook).unwrap().body;
    let answer = Caller::of(served, hook).post(delivery.to_vec()).await;
    assert_eq!(answer.status, 503, "{}", answer.json);
    assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
    let to = json!({"type": "user", "id": theatre.tenant.member(&people[1]).user});
    let answer = served.api.call(Method::PUT, &format!("{}/assignee", group.at), &to).await;
    assert_eq!(answer.status, 503, "{}", answer.json);

    back().await;
    theatre.settle().await;
    let members = [0, 1].map(|n| theatre.tenant.member(&people[n]));
    let changes = [Change::to(members[0].user, None), Change::to(members[1].user, Some(members[0].user))];
    assert_eq!(served.changes(&group).await, changes);
    let told = served.mentioned(&group);
    let due = members.map(|member| member.discord);
    assert!(due.starts_with(&told), "{told:?}");
    assert!(told.len() == due.len() || served.is_summed_up(&group), "{told:?}");
    assert!(served.card(&group).assignee.starts_with("Member 1 · "), "{:?}", served.card(&group));
    assert!(served.azure.dropped_events().is_empty());
    let told = served.azure.notifications(hook);
    assert!(told.iter().all(|one| one.attempts.last().unwrap().status == Some(200)), "{told:#?}");
    // What was read before its delivery came is superseded by then: it was applied all the same, once.
    let states = theatre.tenant.delivery_states(served).await;
    assert!(states.keys().all(|state| ["applied", "superseded"].contains(&state.as_str())), "{states:?}");
    assert_eq!(states.values().sum::<usize>(), told.len());
}

/// The one connection, from another process than the program's.
async fn connection(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    sea_orm::Database::connect(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_another_process_holds_the_write_lock_of_sqlite_deliveries_are_sent_away_and_then_applied() {
    let theatre = Theatre::open(Kind::Sqlite, 2).await.unwrap();
    let other = connection(theatre.database.url()).await;
    let lock = async || {
        other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    };
    let unlock = async || {
        other.execute_unprepared("ROLLBACK").await.unwrap();
    };
    database_is_gone(&theatre, lock, unlock).await;
    other.close().await.unwrap();
}

/// A program whose line to PostgreSQL is this one; `None`, and the test skipped, where there is no server.
async fn on_a_line() -> Option<(Theatre, Proxy)> {
    let database = TestDatabase::migrated(Kind::Postgres).await.unwrap()?;
    let mut url: Url = database.url().parse().unwrap();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let line = Proxy::to(server).await.unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(line.addr().port())).unwrap();
    let theatre = Theatre::open_through(database, url.into(), 2).await;
    Some((theatre, line))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_gone_deliveries_are_sent_away_and_then_applied() {
    if let Some((theatre, line)) = on_a_line().await {
        database_is_gone(&theatre, async || line.set(Line::Cut), async || line.set(Line::Up)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_hangs_deliveries_are_sent_away_and_then_applied() {
    if let Some((theatre, line)) = on_a_line().await {
        database_is_gone(&theatre, async || line.set(Line::Dead), async || line.set(Line::Up)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_only_reads_deliveries_are_sent_away_and_then_applied() {
    let Some(database) = TestDatabase::migrated(Kind::Postgres).await.unwrap() else { return };
    let url = database.url().to_owned();
    let theatre = Theatre::open_through(database, url.clone(), 2).await;
    let admin = connection(&url).await;
    let name = Url::parse(&url).unwrap().path().trim_start_matches('/').to_owned();
    // As after a switch of servers: connections break, and whoever comes back finds one that only reads.
    let switch = async |reads_only: &str| {
        let alter = format!("ALTER DATABASE \"{name}\" SET default_transaction_read_only = {reads_only}");
        admin.execute_unprepared(&alter).await.unwrap();
        let disconnect = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()";
        admin.execute_unprepared(disconnect).await.unwrap();
    };
    database_is_gone(&theatre, async || switch("on").await, async || switch("off").await).await;
    admin.close().await.unwrap();
}

#[tokio::test]
async fn an_outage_longer_than_all_retries_costs_a_hook_which_is_replaced_and_what_was_lost_is_read() {
    let (scene, mood) = flaky_scene().await;
    let (item, group) = scene.linked("The mill stops").await;
    let hook = scene.hook("workitem.updated");
    let status = || scene.azure.subscription(hook).unwrap().status;
    mood.store(REFUSES, Ordering::SeqCst);
    scene.assign_in_azure(item, &scene.ada);
    scene.advance(Duration::from_secs(200)).await;
    assert_eq!(status(), SubscriptionStatus::OnProbation);
    scene.assign_in_azure(item, &scene.bob);
    assert_eq!(scene.azure.dropped_events().len(), 1);
    scene.advance(Duration::from_secs(37 * 3600)).await;
    assert_eq!(status(), SubscriptionStatus::DisabledBySystem);

    mood.store(WORKS, Ordering::SeqCst);
    let projects = format!("{}/installations/{}/projects", scene.tenant.at, scene.tenant.installation);
    scene.api.post(&projects, json!({"azure_project": scene.board.project.to_string()})).await;
    scene.settle().await;
    let bob = scene.member(&scene.bob);
    assert_eq!(scene.changes(&group).await, [Change::to(bob.user, None)]);
    assert!(scene.card(&group).assignee.starts_with("Bob Ross · "), "{:?}", scene.card(&group));
    assert_ne!(scene.hook("workitem.updated"), hook);
    let lost = Expected { hooks_in_trouble: true, ..Expected::default() };
    scene.into_instance().finish_expecting(&lost).await;
}
