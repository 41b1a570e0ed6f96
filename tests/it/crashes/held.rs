//! The real program is killed where it hurts most: between what was committed and what follows from it, and
//! between what a simulator did for us and our record of it.

use super::theatre::{Theatre, eventually};
use handoff_sandbox::azure::{SubscriptionStatus, WorkItemKey};
use handoff_sandbox::fault::Fault;
use handoff_tests::database::Kind;
use handoff_tests::scene::Group;
use handoff_tests::sight::Change;
use handoff_tests::sql;
use handoff_tests::under_test::HoldPoint;
use reqwest::Method;
use serde_json::{Value, json};

/// A group of a program with one member, all told to everybody.
async fn one_group() -> (Theatre, WorkItemKey, Group) {
    let theatre = Theatre::open(Kind::Sqlite, 1).await.unwrap();
    let (item, group) = theatre.linked("The mill stops").await;
    theatre.settle().await;
    (theatre, item, group)
}

/// It was given to the one member, everywhere, and they were told, all of it once: in a mention, or in a summary
/// where a reconcile found it before its delivery came again.
async fn assert_given_once(theatre: &Theatre, item: WorkItemKey, group: &Group) {
    let Theatre { served, people, .. } = theatre;
    let told = served.mentioned(group);
    let is_told = told == [theatre.tenant.member(&people[0]).discord];
    assert!(is_told || told.is_empty() && served.is_summed_up(group), "{told:?}");
    assert_theirs(theatre, item, group).await;
}

/// It was given to the one member, everywhere, once.
async fn assert_theirs(theatre: &Theatre, item: WorkItemKey, group: &Group) {
    let Theatre { served, people, .. } = theatre;
    let member = theatre.tenant.member(&people[0]);
    assert_eq!(served.changes(group).await, [Change::to(member.user, None)]);
    assert!(served.card(group).assignee.starts_with("Member 0 · "), "{:?}", served.card(group));
    assert_eq!(served.azure.work_item(item).unwrap().assigned_to, Some(people[0].identity));
}

/// Gives the group to the one member through our API, from another task.
fn give_here(theatre: &Theatre, group: &Group) -> tokio::task::JoinHandle<()> {
    let (patient, path) = (theatre.patient(), format!("{}/assignee", group.at));
    let to = json!({"type": "user", "id": theatre.tenant.member(&theatre.people[0]).user});
    tokio::spawn(async move { patient.change(Method::PUT, &path, &to).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_on_disk_whose_sender_heard_nothing_is_applied_once_although_it_comes_again() {
    let (mut theatre, item, group) = one_group().await;
    theatre.kill();
    theatre.start_holding(HoldPoint::DeliveryStored).await;
    theatre.assign_there(item, &theatre.people[0]);
    theatre.kill_at_the_point().await;
    theatre.start().await;
    theatre.settle().await;
    assert_given_once(&theatre, item, &group).await;
    let deliveries = theatre.served.api.list(&format!("{}/deliveries", theatre.tenant.at)).await;
    assert_eq!(deliveries.len(), 1);
    assert!(deliveries[0]["duplicates"].as_u64() >= Some(1), "it came again: {deliveries:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_from_azure_devops_of_which_nobody_heard_yet_is_told_once() {
    let (mut theatre, item, group) = one_group().await;
    theatre.kill();
    theatre.start_holding(HoldPoint::ChangeCommitted).await;
    theatre.assign_there(item, &theatre.people[0]);
    theatre.kill_at_the_point().await;
    theatre.start().await;
    theatre.settle().await;
    assert_given_once(&theatre, item, &group).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_through_our_api_that_was_not_answered_is_made_once_although_the_caller_repeats_it() {
    let (mut theatre, item, group) = one_group().await;
    let before = theatre.served.azure.work_item(item).unwrap().rev;
    theatre.kill();
    theatre.start_holding(HoldPoint::ChangeCommitted).await;
    let call = give_here(&theatre, &group);
    theatre.kill_at_the_point().await;
    theatre.start().await;
    call.await.unwrap();
    theatre.settle().await;
    assert_given_once(&theatre, item, &group).await;
    assert_eq!(theatre.served.azure.work_item(item).unwrap().rev, before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mention_that_discord_made_and_we_did_not_record_is_not_made_again() {
    let (mut theatre, item, group) = one_group().await;
    theatre.served.discord.faults().push_next("create_message", Fault::Stall);
    theatre.assign_there(item, &theatre.people[0]);
    eventually("the mention", || !theatre.served.pings(&group).is_empty()).await;
    theatre.kill();
    theatre.start().await;
    theatre.settle().await;
    assert_given_once(&theatre, item, &group).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_that_discord_made_and_we_did_not_record_is_found_again() {
    let mut theatre = Theatre::open(Kind::Sqlite, 1).await.unwrap();
    theatre.served.discord.faults().push_next("create_message", Fault::Stall);
    let (item, group) = theatre.linked("The mill stops").await;
    eventually("the card", || !theatre.served.cards(&group).is_empty()).await;
    theatre.kill();
    theatre.start().await;
    theatre.assign_there(item, &theatre.people[0]);
    theatre.settle().await;
    assert_given_once(&theatre, item, &group).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_discord_made_and_we_did_not_record_is_made_good() {
    let (mut theatre, item, group) = one_group().await;
    theatre.served.discord.faults().push_next("edit_message", Fault::Stall);
    let before = theatre.served.card(&group).edits;
    theatre.assign_there(item, &theatre.people[0]);
    eventually("the edit", || theatre.served.card(&group).edits > before).await;
    theatre.kill();
    theatre.start().await;
    theatre.settle().await;
    assert_given_once(&theatre, item, &group).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_azure_devops_took_and_we_did_not_record_is_not_made_again() {
    let (mut theatre, item, group) = one_group().await;
    let before = theatre.served.azure.work_item(item).unwrap().rev;
    theatre.served.azure.faults().push_next("patch_work_item", Fault::Stall);
    let call = give_here(&theatre, &group);
    let is_written = || theatre.served.azure.work_item(item).unwrap().rev > before;
    eventually("the write", is_written).await;
    theatre.kill();
    theatre.start().await;
    call.await.unwrap();
    theatre.settle().await;
    assert_given_once(&theatre, item, &group).await;
    assert_eq!(theatre.served.azure.work_item(item).unwrap().rev, before + 1);
}

/// The hook for changes is given up by Azure DevOps, an event is lost, and the healing dies where this call
/// has taken effect, as `has_effect` says.
async fn healing_dies(operation: &str, has_effect: impl Fn(&Theatre) -> bool) {
    let (mut theatre, item, group) = one_group().await;
    let hooks = theatre.served.azure.subscriptions();
    let updates = hooks.iter().find(|hook| hook.event_type == "workitem.updated").unwrap().id;
    theatre.served.azure.set_subscription_status(updates, SubscriptionStatus::DisabledBySystem).unwrap();
    theatre.assign_there(item, &theatre.people[0]);
    theatre.served.azure.faults().push_next(operation, Fault::Stall);
    let (patient, path) = (theatre.patient(), theatre.connecting());
    let project = json!({"azure_project": theatre.board.project.to_string()});
    let connecting = tokio::spawn(async move { patient.change(Method::POST, &path, &project).await });
    eventually("the call", || has_effect(&theatre)).await;
    theatre.kill();
    theatre.start().await;
    connecting.await.unwrap();
    theatre.settle().await;
    let types = ["workitem.deleted", "workitem.restored", "workitem.updated"];
    assert_eq!(theatre.hooks_of(theatre.board.project), types);
    let hooks = theatre.served.azure.subscriptions();
    assert!(hooks.iter().all(|hook| hook.status == SubscriptionStatus::Enabled), "{hooks:#?}");
    assert!(hooks.iter().all(|hook| hook.id != updates));
    assert_theirs(&theatre, item, &group).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_was_made_in_healing_and_not_recorded_is_adopted_and_not_doubled() {
    healing_dies("create_subscription", |theatre| theatre.served.azure.subscriptions().len() == 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_was_deleted_in_healing_and_not_recorded_leaves_the_new_one_alone() {
    let is_gone = |theatre: &Theatre| {
        let hooks = theatre.served.azure.subscriptions();
        hooks.len() == 3 && hooks.iter().all(|hook| hook.status == SubscriptionStatus::Enabled)
    };
    healing_dies("delete_subscription", is_gone).await;
}

/// A project is deleted by a program that dies at this point; in the end nothing of it is left.
async fn deletion_dies(point: HoldPoint) {
    let (mut theatre, _, group) = one_group().await;
    let (_, other) = theatre.linked("It stops again").await;
    theatre.settle().await;
    theatre.kill();
    theatre.start_holding(point).await;
    let (client, api) = (handoff_sandbox::client::plain_client().unwrap(), theatre.served.api.clone());
    let project = format!("{}/projects/{}", theatre.tenant.at, theatre.tenant.project);
    let asked = client.delete(api.url_of(&project)).bearer_auth(api.token());
    let asked = tokio::spawn(asked.send());
    theatre.kill_at_the_point().await;
    let _ = asked.await.unwrap();
    theatre.start().await;
    assert_eq!(api.call(Method::GET, &project, &Value::Null).await.status, 404, "hidden already");
    let is_closed = |group: &Group| theatre.served.card(group).status == "Closed";
    eventually("the cards are closed", || is_closed(&group) && is_closed(&other)).await;
    theatre.settle().await;
    for table in ["projects", "issue_groups", "external_issues", "group_links", "routes", "messages"] {
        assert_eq!(sql::count_at(theatre.database.url(), table).await, 0, "{table}");
    }
    assert!(theatre.served.azure.subscriptions().is_empty(), "no hook is needed any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_that_was_hidden_by_a_deletion_nobody_answered_is_taken_apart() {
    deletion_dies(HoldPoint::ProjectHidden).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_that_was_half_taken_apart_is_taken_apart_to_its_end() {
    deletion_dies(HoldPoint::GroupsPurged).await;
}
