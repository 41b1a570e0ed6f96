//! Two organizations on one collection of Azure DevOps: each follows by its own people, sees only its own,
//! and may keep the tracker's assignee out.

use handoff_sandbox::azure::{NewIdentity, PatRights, WorkItemKey};
use handoff_tests::scene::{Group, PAT, Person, Scene};
use handoff_tests::sight::Change;
use handoff_tests::tenant::{Member, Tenant};
use reqwest::Method;
use serde_json::{Value, json};

/// A second organization that connected the same project. Ada there is another user, known by a mapping.
struct Second {
    tenant: Tenant,
    ada: Member,
}

impl Second {
    async fn in_scene(scene: &Scene) -> Self {
        let mut tenant = Tenant::set_up(scene, &scene.board, "Globex").await;
        let there = Person { name: "Ada of Globex".to_owned(), ..scene.ada.clone() };
        let ada = tenant.add_user_without_address(scene, &there).await;
        tenant.join_team(scene, ada).await;
        tenant.map(scene, "unique_name", &scene.ada.address, ada).await;
        Self { tenant, ada }
    }

    /// A group of each organization on one work item.
    async fn linked(&self, scene: &Scene) -> (WorkItemKey, Group, Group) {
        let (item, ours) = scene.linked("The mill stops").await;
        let theirs = self.tenant.group(scene, "Our mill stops").await;
        self.tenant.link(scene, &theirs, item).await;
        scene.settle().await;
        (item, ours, theirs)
    }
}

#[tokio::test]
async fn each_organization_follows_by_its_own_people_in_its_own_channel() {
    let scene = Scene::new().await;
    let second = Second::in_scene(&scene).await;
    let (item, ours, theirs) = second.linked(&scene).await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;

    let ada = scene.member(&scene.ada);
    assert_eq!(scene.changes(&ours).await, [Change::to(ada.user, None)]);
    assert_eq!(scene.changes(&theirs).await, [Change::to(second.ada.user, None)]);
    assert!(scene.card(&ours).assignee.starts_with("Ada Lovelace · "));
    assert_eq!(scene.card(&theirs).assignee, format!("Ada of Globex · <@{}>", second.ada.discord));
    assert_eq!(scene.mentioned(&ours), [ada.discord]);
    assert_eq!(scene.mentioned(&theirs), [second.ada.discord]);

    // Bob is known in the first only.
    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    assert_eq!(scene.assignee(&ours).await, Some(scene.member(&scene.bob).user));
    assert_eq!(scene.assignee(&theirs).await, Some(second.ada.user));
    assert!(scene.card(&theirs).work_items.ends_with("Azure: Bob Ross (not mapped)"));
    assert!(scene.tenant.unresolved(&scene).await.is_empty());
    assert_eq!(second.tenant.unresolved(&scene).await.len(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn an_organization_that_keeps_the_trackers_assignee_out_does_not_follow_until_it_lets_it_in() {
    let scene = Scene::new().await;
    let second = Second::in_scene(&scene).await;
    second.tenant.toggle(&scene, "inbound_assignee", false).await;
    let (item, ours, theirs) = second.linked(&scene).await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;

    assert_eq!(scene.assignee(&ours).await, Some(scene.member(&scene.ada).user));
    assert_eq!(scene.assignee(&theirs).await, None);
    assert_eq!(scene.changes(&theirs).await, []);
    assert!(scene.pings(&theirs).is_empty());
    assert_eq!(scene.card(&theirs).assignee, "Nobody");

    second.tenant.toggle(&scene, "inbound_assignee", true).await;
    scene.settle().await;
    assert_eq!(scene.changes(&theirs).await, [Change::to(second.ada.user, None)]);
    assert_eq!(scene.card(&theirs).assignee, format!("Ada of Globex · <@{}>", second.ada.discord));
    scene.finish().await;
}

#[tokio::test]
async fn what_belongs_to_another_organization_does_not_exist_for_it() {
    let scene = Scene::new().await;
    let second = Second::in_scene(&scene).await;
    let (item, ours, theirs) = second.linked(&scene).await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;

    let (_, token) = {
        let name = handoff_domain::text::Name::parse("globex").unwrap();
        let of = Some(handoff_domain::id::OrganizationId::new(second.tenant.id));
        scene.running().api().tokens.create(name, of, None).await.unwrap()
    };
    let them = scene.api.with_token(token.expose());
    assert_eq!(them.list("/organizations").await.len(), 1);
    them.get(&theirs.at).await;
    let foreign = [
        (Method::GET, ours.at.clone()),
        (Method::GET, format!("{}/activity", ours.at)),
        (Method::DELETE, format!("{}/assignee", ours.at)),
        (Method::GET, format!("{}/deliveries", scene.tenant.at)),
        (Method::GET, ours.at.replace(&scene.tenant.at, &second.tenant.at)),
        (Method::DELETE, format!("{}/assignee", ours.at.replace(&scene.tenant.at, &second.tenant.at))),
        (Method::GET, format!("{}/installations/{}", second.tenant.at, scene.tenant.installation)),
    ];
    for (method, path) in foreign {
        let answer = them.call(method.clone(), &path, &Value::Null).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.json);
    }
    assert_eq!(scene.assignee(&ours).await, Some(scene.member(&scene.ada).user));
    scene.finish().await;
}

#[tokio::test]
async fn what_belongs_to_another_organization_cannot_be_named_in_a_body_either() {
    let scene = Scene::new().await;
    let second = Second::in_scene(&scene).await;
    let (_, ours, theirs) = second.linked(&scene).await;
    let (at, us) = (&second.tenant.at, &scene.tenant);
    let our_user = scene.member(&scene.ada).user;
    let project = format!("{at}/projects/{}", second.tenant.project);
    let assignee = format!("{}/assignee", theirs.at);
    let to = |kind: &str, id: i64| json!({"type": kind, "id": id});
    let by_us = json!({"type": "user", "id": second.ada.user, "by": our_user});
    let mapping = json!({"integration": us.integration, "unique_name": "x@example.org", "user": our_user});
    let link = json!({"installation": us.installation, "work_item": 1});
    let route = json!({"channel_id": us.channel.to_string()});
    for (method, path, body) in [
        (Method::POST, format!("{at}/projects"), json!({"name": "Theirs", "teams": [us.team]})),
        (Method::PUT, format!("{project}/teams/{}", us.team), Value::Null),
        (Method::PUT, format!("{at}/teams/{}/members/{our_user}", second.tenant.team), Value::Null),
        (Method::PUT, format!("{project}/notification-settings/{our_user}"), json!({"mention": false})),
        (Method::PUT, assignee.clone(), to("user", our_user)),
        (Method::PUT, assignee.clone(), to("team", us.team)),
        (Method::PUT, assignee, by_us),
        (Method::POST, format!("{at}/identity-mappings"), mapping),
        (Method::POST, format!("{}/links", theirs.at), link),
        (Method::POST, format!("{project}/routes"), route),
    ] {
        let answer = scene.api.call(method.clone(), &path, &body).await;
        assert!(matches!(answer.status, 404 | 409 | 422), "{method} {path} {body}: {} {}", answer.status, answer.json);
    }
    assert_eq!(scene.assignee(&theirs).await, None);
    assert_eq!(scene.assignee(&ours).await, None);
    scene.finish().await;
}

#[tokio::test]
async fn one_organization_disconnecting_leaves_the_other_its_hooks_and_its_flow() {
    let scene = Scene::new().await;
    let second = Second::in_scene(&scene).await;
    let (item, ours, theirs) = second.linked(&scene).await;
    let before = scene.azure.subscriptions().len();
    let path =
        format!("{}/installations/{}/projects/{}", second.tenant.at, second.tenant.installation, scene.board.project);
    scene.api.change(Method::DELETE, &path, Value::Null).await;
    scene.settle().await;
    assert_eq!(scene.azure.subscriptions().len() * 2, before);

    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert_eq!(scene.assignee(&ours).await, Some(scene.member(&scene.ada).user));
    assert_eq!(scene.mentioned(&ours).len(), 1);
    let _ = theirs;
    scene.finish().await;
}

#[tokio::test]
async fn a_work_item_that_is_gone_is_known_as_that_though_the_credential_of_one_organization_does_not_work() {
    const THEIRS: &str = "their-own-token";
    for revoked in [PAT, THEIRS] {
        let scene = Scene::new().await;
        let second = Second::in_scene(&scene).await;
        let (item, ours, theirs) = second.linked(&scene).await;
        let robot = scene.azure.add_identity(NewIdentity::person("Globex", "globex@fabrikam.example"));
        scene.azure.set_pat(THEIRS, robot, PatRights::full());
        let installation = format!("{}/installations/{}", second.tenant.at, second.tenant.installation);
        scene.api.change(Method::PATCH, &installation, json!({"credential": THEIRS})).await;
        scene.settle().await;
        scene.azure.revoke_pat(revoked);
        scene.azure.delete_work_item(item).unwrap();
        scene.azure.settle().await;
        scene.work().await;
        for group in [&ours, &theirs] {
            let links = scene.api.list(&format!("{}/links", group.at)).await;
            assert_eq!(links[0]["work_item"]["deleted"], true, "{revoked}");
        }
        scene.azure.set_pat(revoked, robot, PatRights::full());
        scene.settle().await;
        scene.finish().await;
    }
}
