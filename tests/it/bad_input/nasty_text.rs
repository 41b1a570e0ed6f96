//! Text that breaks things elsewhere: each has a clear outcome here, and none of it does anything in the
//! channel.

use handoff_sandbox::azure::{Changes, NewIdentity, NewWorkItem};
use handoff_tests::scene::{Person, Scene};
use handoff_tests::sight::Change;
use handoff_tests::webhook::Caller;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn json_of_any_depth_is_answered_and_kept() {
    let scene = Scene::new().await;
    let caller = Caller::of(&scene, scene.hook("workitem.updated"));
    let nested = |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let event = |inside: &str| format!("{{\"eventType\":\"workitem.updated\",\"resource\":{inside}}}");
    let bodies = [
        nested("[", "]", 100_000),
        "[".repeat(1_000_000),
        event(&nested("[", "]", 200)),
        event(&format!("{{\"revision\":{}0{}}}", "{\"a\":".repeat(100_000), "}".repeat(100_000))),
        event(&format!("{{\"fields\":{}}}", nested("[", "]", 50_000))),
    ];
    for (n, body) in bodies.iter().enumerate() {
        let answer = caller.post(body.clone()).await;
        assert_eq!((answer.status, answer.json["outcome"].as_str()), (200, Some("quarantined")), "{n}");
    }
    scene.settle().await;
    assert_eq!(scene.tenant.deliveries(&scene, "quarantined").await.len(), bodies.len());
    scene.finish().await;
}

#[tokio::test]
async fn bytes_that_are_no_text_and_controls_in_texts_become_text_that_can_be_shown() {
    let scene = Scene::new().await;
    let caller = Caller::of(&scene, scene.hook("workitem.updated"));
    let (item, group) = scene.linked("The mill stops").await;
    scene.azure.hold_deliveries();
    let spoil = |change: &mut Changes| {
        change.title("Spoiled MARK title");
    };
    scene.azure.update_work_item(item, spoil).unwrap();
    scene.azure.release_deliveries(&handoff_sandbox::azure::ReleaseOrder::Permutation(Vec::new()));
    let last = scene.azure.last_notification(scene.hook("workitem.updated")).unwrap();
    let body = String::from_utf8(last.body.to_vec()).unwrap();
    let spoiled: Vec<u8> = {
        let (before, after) = body.split_once("MARK").unwrap();
        // The title stands in the payload more than once; what follows is spoiled alike.
        let after = after.replace("MARK", "\\u0000\\ud800\\u202e\u{202e}");
        [before.as_bytes(), b"\xff\xfe\xc3\\u0000", after.as_bytes()].concat()
    };
    let answer = caller.post(spoiled).await;
    assert_eq!(answer.status, 200);
    scene.settle().await;
    let card = scene.card(&group);
    assert!(!card.work_items.contains(['\0', '\u{202e}']), "{card:?}");
    assert_eq!(scene.tenant.delivery_states(&scene).await.values().sum::<usize>(), 1);
    // Whatever the delivery came to, the next one counts.
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    scene.finish().await;
}

#[tokio::test]
async fn a_description_of_four_mebibytes_thrice_in_a_payload_is_applied_like_any_other() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let html = format!("<div>{}</div>", "x".repeat(4 * 1024 * 1024));
    let caller = Caller::of(&scene, scene.hook("workitem.updated"));
    scene.azure.hold_deliveries();
    scene.assign_in_azure(item, &scene.ada);
    scene.azure.release_deliveries(&handoff_sandbox::azure::ReleaseOrder::Permutation(Vec::new()));
    let last = scene.azure.last_notification(scene.hook("workitem.updated")).unwrap();
    let mut body: Value = serde_json::from_slice(&last.body).unwrap();
    body["resource"]["fields"]["System.Description"] = json!({"oldValue": html, "newValue": html});
    body["resource"]["revision"]["fields"]["System.Description"] = json!(html);
    let body = body.to_string();
    assert!(body.len() > 12 * 1024 * 1024);
    assert_eq!(caller.post(body).await.json["outcome"], "stored");
    scene.settle().await;
    let ada = scene.member(&scene.ada);
    assert_eq!(scene.changes(&group).await, [Change::to(ada.user, None)]);
    assert_eq!(scene.mentioned(&group), [ada.discord]);
    scene.finish().await;
}

#[tokio::test]
async fn a_name_with_angle_brackets_is_still_the_person_of_its_address() {
    let mut scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let address = "eve@example.org";
    let name = "Eve <boss@example.org> @everyone <@&1>";
    let identity = scene.azure.add_identity(NewIdentity::person(name, address));
    let eve = Person { name: "Eve".to_owned(), address: address.to_owned(), identity };
    let member = scene.add_member(&eve).await;
    scene.assign_in_azure(item, &eve);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(member.user));
    assert_eq!(scene.mentioned(&group), [member.discord]);
    scene.finish().await;
}

#[tokio::test]
async fn an_unknown_name_full_of_mentions_and_markdown_does_nothing_on_the_card() {
    let scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let name = "**Mallory** <@1> @everyone [x](https://evil.example) \u{202e}txt";
    let identity = scene.azure.add_identity(NewIdentity::person(name, "mallory@example.org"));
    let mallory = Person { name: name.to_owned(), address: "mallory@example.org".to_owned(), identity };
    scene.assign_in_azure(item, &mallory);
    scene.settle().await;
    let card = scene.card(&group);
    assert!(card.work_items.contains(r"\*\*Mallory\*\* \<\@1\>"), "{card:?}");
    assert!(!card.work_items.contains("](https://evil") && !card.work_items.contains('\u{202e}'), "{card:?}");
    assert!(scene.pings(&group).is_empty());
    scene.finish().await;
}

#[tokio::test]
async fn an_address_in_capitals_is_the_same_address() {
    let mut scene = Scene::new().await;
    let (item, group) = scene.linked("The mill stops").await;
    let identity = scene.azure.add_identity(NewIdentity::person("Cap Itals", "CAP.ITALS@EXAMPLE.ORG"));
    let person = Person { name: "Cap Itals".to_owned(), address: "cap.itals@example.org".to_owned(), identity };
    let member = scene.add_member(&person).await;
    scene.assign_in_azure(item, &person);
    scene.settle().await;
    assert_eq!(scene.assignee(&group).await, Some(member.user));
    scene.finish().await;
}

#[tokio::test]
async fn titles_that_would_do_something_in_the_channel_are_only_shown() {
    let scene = Scene::new().await;
    let title = "<@1> @everyone **bold** [x](https://evil.example) <t:0> \u{0007}";
    let item = scene.azure.add_work_item(scene.board.project, &NewWorkItem::new("Bug", title)).unwrap();
    let group = scene.tenant.group(&scene, "<@1> @here").await;
    scene.tenant.link(&scene, &group, item).await;
    scene.assign_in_azure(item, &scene.ada);
    scene.settle().await;
    let card = scene.card(&group);
    for text in [&card.title, &card.work_items] {
        assert!(!text.contains("@everyone") && !text.contains("@here") && !text.contains("<t:0>"), "{card:?}");
    }
    assert!(!card.work_items.contains("](https://evil"), "{card:?}");
    // `mentioned` holds each message to the one account that it is for.
    assert_eq!(scene.mentioned(&group), [scene.member(&scene.ada).discord]);
    scene.finish().await;
}

#[tokio::test]
async fn names_of_emoji_and_other_scripts_make_slugs_and_slugs_of_emoji_are_refused() {
    let scene = Scene::new().await;
    let at = &scene.tenant.at;
    let mut slugs = std::collections::BTreeSet::new();
    for name in ["🔥🚒", "🔥🚒", "Ünïcödé", "日本語", "123", "new", "a\u{200d}b", "  spaced  ", "Ω", "-", "…"]
    {
        let made = scene.api.call(Method::POST, &format!("{at}/projects"), &json!({"name": name})).await;
        assert!(matches!(made.status, 201 | 400 | 422), "{name:?}: {} {}", made.status, made.json);
        if made.status == 201 {
            let slug = made.json["slug"].as_str().unwrap().to_owned();
            let usable = slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
            assert!(usable && !slug.is_empty(), "{name:?}: {slug}");
            assert!(slug.parse::<u64>().is_err(), "{name:?}: {slug} reads like an id");
            assert_eq!(scene.api.get(&format!("{at}/projects/{slug}")).await["id"], made.json["id"]);
            assert!(slugs.insert(slug), "{name:?}");
        }
    }
    assert!(slugs.len() >= 8, "{slugs:?}");
    for slug in ["🔥", "a b", "A", "", "123", "x/y", "\u{0}", "日本"] {
        let body = json!({"name": "Named", "slug": slug});
        let refused = scene.api.call(Method::POST, &format!("{at}/projects"), &body).await;
        assert!(matches!(refused.status, 400 | 422), "{slug:?}: {} {}", refused.status, refused.json);
        assert!(refused.json["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", refused.json);
    }
    scene.finish().await;
}

#[tokio::test]
async fn names_with_controls_are_refused_or_mended_by_the_api_never_a_failure() {
    let scene = Scene::new().await;
    let at = &scene.tenant.at;
    let places = [
        (format!("{at}/teams"), "name"),
        (format!("{at}/users"), "name"),
        (format!("{at}/projects/{}/groups", scene.tenant.project), "title"),
    ];
    for (path, field) in &places {
        for text in ["\u{0}", "a\u{0}b", "a\nb", "\u{202e}", "", " ", &"x".repeat(100_000), "\u{feff}", "e\u{301}"] {
            let made = scene.api.call(Method::POST, path, &json!({*field: text})).await;
            assert!(matches!(made.status, 201 | 400 | 422), "{path} {text:?}: {} {}", made.status, made.json);
            if made.status == 201 {
                let kept = made.json[*field].as_str().unwrap();
                assert!(!kept.is_empty() && !kept.contains(['\0', '\n']), "{path} {text:?}: {kept:?}");
            }
        }
        for body in [json!({*field: 7}), json!({*field: null}), json!([]), json!("x"), json!({*field: {"a": []}})] {
            let refused = scene.api.call(Method::POST, path, &body).await;
            assert!(matches!(refused.status, 400 | 422), "{path} {body}: {} {}", refused.status, refused.json);
        }
    }
    scene.settle().await;
    scene.finish().await;
}
