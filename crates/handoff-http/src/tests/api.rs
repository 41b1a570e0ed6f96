//! What the API does, through the services, on a store in memory.

use super::world::{FOREIGN, GUILD, LOUD, QUIET, SHUT, World};
use handoff_domain::id::OrganizationId;
use handoff_domain::outbox::OutboxTask;
use handoff_domain::page::PageRequest;
use handoff_domain::port::Reader;
use serde_json::{Value, json};

#[tokio::test]
async fn a_group_is_assigned_reassigned_to_the_team_and_taken_back() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let at = format!("{}/groups/{}", ours.at, ours.group);
    let shown = world.get(&at).await;
    assert_eq!((shown["short_id"].as_str(), &shown["assignee"]), (Some("MILL-1"), &Value::Null));
    for (kind, id) in [("user", ours.user), ("user", ours.user), ("team", ours.team)] {
        let body = json!({"type": kind, "id": id, "by": ours.user});
        let answer = world.call("PUT", &format!("{at}/assignee"), body).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        assert_eq!(answer.json["assignee"], json!({"type": kind, "id": id}));
    }
    for _ in 0..2 {
        let answer = world.call("DELETE", &format!("{at}/assignee?by={}", ours.user), Value::Null).await;
        assert_eq!((answer.status.as_u16(), &answer.json["assignee"]), (200, &Value::Null));
    }
    let history = world.get(&format!("{at}/activity")).await;
    let kinds: Vec<&str> = history["items"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    for kind in ["created", "assigned", "unassigned"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
}

#[tokio::test]
async fn whether_a_group_is_assigned_is_remembered_until_it_changes() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let at = format!("{}/groups/{}/assignee", ours.at, ours.group);
    let nobody = |remembered: bool| json!({"assigned": false, "remembered": remembered, "assignee": null});
    assert_eq!((world.get(&at).await, world.get(&at).await), (nobody(false), nobody(true)));
    world.call("PUT", &at, json!({"type": "user", "id": ours.user})).await;
    let ada = json!({"assigned": true, "remembered": true, "assignee": {"type": "user", "id": ours.user}});
    assert_eq!(world.get(&at).await, ada);
    world.call("DELETE", &at, Value::Null).await;
    assert_eq!((world.get(&at).await, world.get(&at).await), (nobody(false), nobody(true)));
}

#[tokio::test]
async fn a_project_keeps_the_id_that_it_is_given_and_an_id_that_is_taken_or_no_snowflake_is_refused() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let projects = format!("{}/projects", ours.at);
    let id = 16_i64 * (1 << 48) + 99 * (1 << 16) + 7 * 16 + 3;
    assert_eq!(world.make(&projects, json!({"name": "Imported", "id": id})).await["id"], id);
    let taken = world.call("POST", &projects, json!({"name": "Other", "id": id})).await;
    assert_eq!((taken.status.as_u16(), taken.json["code"].as_str()), (409, Some("conflict")));
    for odd in [0, 7, -1, i64::MAX] {
        assert_eq!(world.call("POST", &projects, json!({"name": "Odd", "id": odd})).await.status, 422, "{odd}");
    }
}

#[tokio::test]
async fn who_is_inactive_or_outside_the_project_is_refused_with_the_reason() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let assign = format!("{}/groups/{}/assignee", ours.at, ours.group);
    let user = format!("{}/users/{}", ours.at, ours.user);
    assert_eq!(world.call("PATCH", &user, json!({"active": false})).await.json["active"], false);
    let answer = world.call("PUT", &assign, json!({"type": "user", "id": ours.user})).await;
    assert_eq!((answer.status.as_u16(), answer.json["detail"].as_str()), (422, Some("the user is inactive")));
    assert_eq!(world.call("PUT", &assign, json!({"type": "team", "id": 999})).await.status, 422);
    assert_eq!(world.call("PUT", &assign, json!({"type": "team", "id": ours.team, "by": 999})).await.status, 404);
}

#[tokio::test]
async fn lists_are_paged_and_linked() {
    let world = World::new().await;
    for n in 0..5 {
        world.make("/organizations", json!({"name": format!("Org {n}")})).await;
    }
    let mut path = "/api/v1/organizations?limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = world.call_as(Some(&world.token), "GET", &path, &Value::Null).await;
        seen.extend(
            answer.json["items"].as_array().unwrap().iter().map(|one| one["slug"].as_str().unwrap().to_owned()),
        );
        let link = answer.header("link");
        if link.is_empty() {
            break;
        }
        assert!(link.ends_with("; rel=\"next\""), "{link}");
        link.split(['<', '>']).nth(1).unwrap().clone_into(&mut path);
    }
    assert_eq!(seen, ["org-0", "org-1", "org-2", "org-3", "org-4"]);
}

#[tokio::test]
async fn the_same_name_again_gets_another_slug_and_a_chosen_slug_that_is_taken_is_a_conflict() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    for list in ["/organizations".to_owned(), format!("{}/teams", ours.at), format!("{}/projects", ours.at)] {
        let first = world.make(&list, json!({"name": "Same"})).await;
        let second = world.make(&list, json!({"name": "Same"})).await;
        assert_eq!(first["slug"], "same");
        assert_ne!(first["slug"], second["slug"], "{list}");
        let answer = world.call("POST", &list, json!({"name": "Other", "slug": "same"})).await;
        assert_eq!((answer.status.as_u16(), answer.json["code"].as_str()), (409, Some("conflict")), "{list}");
    }
}

#[tokio::test]
async fn users_are_changed_by_what_is_sent_and_nothing_else() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let user = format!("{}/users/{}", ours.at, ours.user);
    let linked = world.call("PATCH", &user, json!({"discord_id": "1100000000000000099"})).await.json;
    assert_eq!((&linked["discord_id"], &linked["active"]), (&json!("1100000000000000099"), &json!(true)));
    let kept = world.call("PATCH", &user, json!({"active": true})).await.json;
    assert_eq!(kept["discord_id"], "1100000000000000099");
    let other = json!({"name": "Bob", "discord_id": "1100000000000000099"});
    assert_eq!(world.call("POST", &format!("{}/users", ours.at), other).await.status, 409);
    assert_eq!(world.call("PATCH", &user, json!({"discord_id": 1100000000000000099_u64})).await.status, 422);
    assert_eq!(world.call("PATCH", &user, json!({"discord_id": null})).await.json["discord_id"], Value::Null);
    let path = format!("{user}/emails/ADA@Example.org");
    let put = world.call("PUT", &path, json!({"verified": true})).await;
    assert_eq!(put.status, 200, "{}", put.json);
    assert!(put.json["emails"].as_array().unwrap().contains(&json!({"address": "ada@example.org", "verified": true})));
    assert_eq!(world.call("PUT", &format!("{user}/emails/nobody"), json!({"verified": true})).await.status, 422);
}

#[tokio::test]
async fn an_installation_connects_a_project_and_shows_hooks_but_never_its_credential() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let installations = format!("{}/installations", ours.at);
    let wrong = json!({"base_url": "https://dev.azure.com/contoso", "credential": "wrong"});
    let answer = world.call("POST", &installations, wrong).await;
    assert_eq!((answer.status.as_u16(), answer.json["code"].as_str()), (422, Some("tracker_unauthorized")));
    let installation = world.connected(&ours.at).await;
    let at = format!("{installations}/{}", installation["id"].as_str().unwrap());
    for shown in [world.get(&installations).await, world.get(&at).await, world.get(&format!("{at}/hooks")).await] {
        assert!(!shown.to_string().contains("pat-1234567890"));
        assert!(!shown.to_string().contains("secret"));
    }
    let hooks = world.get(&format!("{at}/hooks")).await;
    assert_eq!(hooks["items"].as_array().unwrap().len(), 3);
    let hook = &hooks["items"][0];
    assert_eq!(
        (hook["status"].as_str(), &hook["problem"], &hook["what_to_do"]),
        (Some("enabled"), &Value::Null, &Value::Null)
    );
    assert_eq!((&hook["checked_at"], &hook["unseen"]), (&hook["updated_at"], &Value::Null));
    assert_eq!(world.hooks.lock().unwrap().len(), 3);
    let again = json!({"base_url": "https://dev.azure.com/contoso", "credential": "pat-1234567890"});
    assert_eq!(world.call("POST", &installations, again).await.status, 409);
    assert_eq!(world.get(&format!("{at}/available-projects")).await["items"][0]["name"], "Board");
    let project = format!("{at}/projects/{}", super::world::AZURE_PROJECT);
    assert_eq!(world.call("POST", &format!("{project}/reconcile"), Value::Null).await.status, 202);
    let reconciles =
        armed(&world, ours.organization).await.iter().filter(|task| task.kind() == "reconcile_project").count();
    assert_eq!(reconciles, 1);
    assert_eq!(world.call("DELETE", &project, Value::Null).await.status, 204);
    assert_eq!(world.call("DELETE", &project, Value::Null).await.status, 404);
    assert_eq!(world.get(&format!("{at}/projects")).await["items"], json!([]));
    assert_eq!(
        armed(&world, ours.organization).await.iter().filter(|task| task.kind() == "delete_subscription").count(),
        3
    );
}

async fn armed(world: &World, organization: i64) -> Vec<OutboxTask> {
    let page = PageRequest { after: None, limit: 100 };
    let rows = world.store.outbox(OrganizationId::new(organization), None, page).await.unwrap();
    rows.items.into_iter().map(|row| row.task).collect()
}

async fn refreshes(world: &World, organization: i64) -> usize {
    let refresh = |task: &OutboxTask| matches!(task, OutboxTask::RefreshWorkItem { .. });
    armed(world, organization).await.iter().filter(|task| refresh(task)).count()
}

#[tokio::test]
async fn a_link_waits_for_its_person_until_they_are_mapped() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let installation = world.connected(&ours.at).await;
    let links = format!("{}/groups/{}/links", ours.at, ours.group);
    for body in [json!({"work_item": 42}), json!({"work_item": 0, "installation": installation["id"]})] {
        assert_eq!(world.call("POST", &links, body).await.status, 422);
    }
    let missing = json!({"work_item": 4242, "installation": installation["id"]});
    assert_eq!(world.call("POST", &links, missing).await.status, 404);
    let body = json!({"work_item": 42, "integration": installation["integration"]["id"]});
    let link = world.make(&links, body.clone()).await;
    assert_eq!(link["unresolved"]["reason"], "unknown");
    assert_eq!(world.call("POST", &links, body).await.status, 409);
    assert_eq!(world.get(&format!("{}/unresolved", ours.at)).await["items"][0]["id"], link["id"]);
    assert_eq!(refreshes(&world, ours.organization).await, 0);
    let mappings = format!("{}/identity-mappings", ours.at);
    let mapping = json!({
        "integration": installation["integration"]["id"],
        "unique_name": "GRACE@navy.example",
        "user": ours.user
    });
    let made = world.make(&mappings, mapping.clone()).await;
    assert_eq!(made["unique_name"], "grace@navy.example");
    assert_eq!(refreshes(&world, ours.organization).await, 1);
    assert_eq!(world.call("POST", &mappings, mapping).await.status, 409);
    let one = format!("{mappings}/{}", made["id"].as_str().unwrap());
    assert_eq!(world.call("DELETE", &one, Value::Null).await.status, 204);
    assert_eq!(world.call("DELETE", &one, Value::Null).await.status, 404);
    let at = format!("{}/links/{}", ours.at, link["id"].as_str().unwrap());
    assert_eq!(world.call("DELETE", &at, Value::Null).await.status, 204);
    assert_eq!(world.call("DELETE", &at, Value::Null).await.status, 404);
}

#[tokio::test]
async fn whatever_may_make_a_person_known_has_their_work_items_read() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let installation = world.connected(&ours.at).await;
    let body = json!({"work_item": 42, "installation": installation["id"]});
    world.make(&format!("{}/groups/{}/links", ours.at, ours.group), body).await;
    let generation = async || refreshes(&world, ours.organization).await;
    assert_eq!(generation().await, 0);
    let email = json!({"address": "Grace@navy.example", "verified": false});
    let grace = world.make(&format!("{}/users", ours.at), json!({"name": "Grace Hopper", "emails": [email]})).await;
    assert_eq!(generation().await, 0, "an address that is not verified says nothing");
    let grace = format!("{}/users/{}", ours.at, grace["id"]);
    world.call("PUT", &format!("{grace}/emails/grace@navy.example"), json!({"verified": true})).await;
    assert_eq!(generation().await, 1);
}

#[tokio::test]
async fn switching_a_toggle_on_has_the_connected_projects_read_and_switching_it_off_does_not() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let installation = world.connected(&ours.at).await;
    let at = format!("{}/installations/{}", ours.at, installation["id"].as_str().unwrap());
    let reconciles = async || {
        armed(&world, ours.organization).await.iter().filter(|task| task.kind() == "reconcile_project").count()
    };
    world.call("PATCH", &at, json!({"toggles": {"comments": true}})).await;
    let off = world.call("PATCH", &at, json!({"toggles": {"inbound_assignee": false}})).await;
    assert_eq!(
        (&off.json["toggles"]["inbound_assignee"], &off.json["toggles"]["comments"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(reconciles().await, 0);
    world.call("PATCH", &at, json!({"toggles": {"inbound_assignee": true}})).await;
    assert_eq!(reconciles().await, 1);
}

#[tokio::test]
async fn a_route_is_checked_with_discord_and_warns_where_everyone_reads() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let routes = format!("{}/projects/mill/routes", ours.at);
    let to = |channel: u64| json!({"channel_id": channel.to_string()});
    assert_eq!(world.call("POST", &routes, to(QUIET)).await.status, 422, "the guild is not theirs yet");
    assert_eq!(world.call("POST", &format!("{}/guilds", ours.at), json!({"id": "7"})).await.status, 422);
    let guild = world.make(&format!("{}/guilds", ours.at), json!({"id": GUILD.to_string()})).await;
    assert_eq!((&guild["id"], &guild["name"]), (&json!(GUILD.to_string()), &json!("The guild")));
    let quiet = world.make(&routes, to(QUIET)).await;
    assert_eq!((&quiet["ids_only"], &quiet["warning"]), (&json!(false), &Value::Null));
    let loud = world.make(&routes, to(LOUD)).await;
    assert_eq!(loud["ids_only"], true);
    assert!(loud["warning"].as_str().unwrap().contains("Everyone"));
    for (channel, said) in [(SHUT, "may not send"), (FOREIGN, "no such channel"), (7, "no such channel")] {
        let answer = world.call("POST", &routes, to(channel)).await;
        assert_eq!(answer.status, 422);
        assert!(answer.json["detail"].as_str().unwrap().contains(said), "{}", answer.json);
    }
    assert_eq!(world.call("POST", &routes, to(QUIET)).await.status, 409);
    let one = format!("{}/routes/{}", ours.at, quiet["id"].as_str().unwrap());
    let off = world.call("PATCH", &one, json!({"enabled": false})).await.json;
    assert_eq!((&off["enabled"], &off["disabled_reason"]), (&json!(false), &json!("switched off by a person")));
    assert_eq!(world.call("PATCH", &one, json!({"enabled": true})).await.json["enabled"], true);
    assert_eq!(world.call("DELETE", &one, Value::Null).await.status, 204);
    assert_eq!(world.call("GET", &one, Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_deleted_project_is_absent_at_once_and_its_slug_is_free() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let project = format!("{}/projects/mill", ours.at);
    assert_eq!(world.call("DELETE", &project, Value::Null).await.status, 202);
    assert_eq!(world.call("GET", &project, Value::Null).await.status, 404);
    assert_eq!(world.call("GET", &format!("{}/groups/{}", ours.at, ours.group), Value::Null).await.status, 404);
    assert_eq!(world.make(&format!("{}/projects", ours.at), json!({"name": "Mill"})).await["slug"], "mill");
}

#[tokio::test]
async fn teams_of_a_project_and_mentions_are_put_and_taken_away() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let team = format!("{}/projects/mill/teams/{}", ours.at, ours.team);
    for _ in 0..2 {
        assert_eq!(world.call("PUT", &team, Value::Null).await.status, 204);
    }
    assert_eq!(world.get(&format!("{}/projects/mill/teams", ours.at)).await["items"].as_array().unwrap().len(), 1);
    assert_eq!(world.call("DELETE", &team, Value::Null).await.status, 204);
    assert_eq!(world.call("DELETE", &team, Value::Null).await.status, 404);
    let setting = format!("{}/projects/mill/notification-settings/{}", ours.at, ours.user);
    assert_eq!(world.call("PUT", &setting, json!({"mention": false})).await.json["mention"], false);
    let member = format!("{}/teams/{}/members/{}", ours.at, ours.team, ours.user);
    assert_eq!(world.call("DELETE", &member, Value::Null).await.status, 204);
    assert_eq!(world.call("DELETE", &member, Value::Null).await.status, 404);
}

#[tokio::test]
async fn health_is_alive_at_once_and_ready_between_start_and_drain() {
    let world = World::new().await;
    let ask = async |path: &str| world.call_as(None, "GET", path, &Value::Null).await.status.as_u16();
    assert_eq!((ask("/healthz").await, ask("/readyz").await), (200, 503));
    world.state.lifecycle.mark_started();
    assert_eq!(ask("/readyz").await, 200);
    world.state.lifecycle.mark_broken();
    assert_eq!((ask("/healthz").await, ask("/readyz").await), (200, 503));
    world.state.lifecycle.drain();
    assert_eq!((ask("/healthz").await, ask("/readyz").await), (200, 503));
}

#[tokio::test]
async fn a_credential_is_changed_alone_or_with_toggles_and_a_refused_one_changes_nothing() {
    let world = World::new().await;
    let ours = world.furnished("ours").await;
    let installation = world.connected(&ours.at).await;
    let toggles = &installation["toggles"];
    assert_eq!(toggles["inbound_assignee"], true);
    for later in ["outbound_assignee", "inbound_status", "outbound_status", "comments"] {
        assert_eq!(toggles[later], false, "nothing carries out {later} yet");
    }
    let at = format!("{}/installations/{}", ours.at, installation["id"].as_str().unwrap());
    let both = |credential: &str| json!({"credential": credential, "toggles": {"inbound_assignee": false}});
    let refused = world.call("PATCH", &at, both("wrong")).await;
    assert_eq!((refused.status.as_u16(), refused.json["code"].as_str()), (422, Some("tracker_unauthorized")));
    assert_eq!(world.get(&at).await["toggles"]["inbound_assignee"], true);
    let changed = world.call("PATCH", &at, both("pat-new")).await;
    assert_eq!((changed.status.as_u16(), &changed.json["toggles"]["inbound_assignee"]), (200, &json!(false)));
    assert!(!changed.json.to_string().contains("pat-new"));
    assert_eq!(world.call("PATCH", &at, json!({"credential": "pat-newer"})).await.status, 200);
    assert_eq!(world.call("PATCH", &at, json!({"credential": "two\nlines"})).await.status, 422);
}
