//! Create, edit, delete, read, and what Discord refuses.

use super::*;

/// Where `errors` of an invalid form holds the code of the first error at a path.
fn code_at<'a>(answer: &'a Answer, path: &str) -> &'a str {
    assert_eq!(answer.error(), (400, 50035), "{answer:?}");
    let errors = answer.body["errors"].pointer(&format!("{path}/_errors/0/code"));
    errors.and_then(Value::as_str).unwrap_or_else(|| panic!("nothing at {path}: {answer:?}"))
}

#[tokio::test]
async fn a_message_is_created_by_the_bot_at_the_clocks_time_and_read_back() {
    let bench = Bench::new().await;
    let created = bench.create(json!({"content": "hello", "nonce": "n-1"})).await;
    assert_eq!(created.status, 200);
    assert_eq!(created.body["author"]["id"], bench.bot.to_string());
    assert_eq!(created.body["author"]["bot"], true);
    assert_eq!(created.body["nonce"], "n-1");
    assert_eq!(created.body["timestamp"], "2026-01-02T03:04:05.000000+00:00");
    assert_eq!(created.body["edited_timestamp"], Value::Null);
    let since_2015_ms = u64::try_from(START_US / 1000).unwrap() - 1_420_070_400_000;
    assert_eq!(created.id().get() >> 22, since_2015_ms);
    let path = format!("/channels/{}/messages/{}", bench.channel, created.id());
    assert_eq!(bench.get(&path).await.body, created.body);
}

#[tokio::test]
async fn an_edit_changes_what_it_names_and_leaves_the_rest() {
    let bench = Bench::new().await;
    let embed = json!({"title": "BACKEND-42", "color": 255});
    let id = bench.create(json!({"content": "one", "embeds": [embed]})).await.id();
    bench.advance(60);
    let edited = bench.edit(id, json!({"content": "two"})).await;
    assert_eq!(edited.id(), id);
    assert_eq!(edited.body["edited_timestamp"], "2026-01-02T03:05:05.000000+00:00");
    assert_eq!(edited.body["timestamp"], "2026-01-02T03:04:05.000000+00:00");
    let message = bench.last();
    assert_eq!((message.content.as_str(), message.edits), ("two", 1));
    assert_eq!(message.embeds[0]["title"], "BACKEND-42");
    assert_eq!(bench.edit(id, json!({"content": null})).await.status, 200);
    assert_eq!(bench.edit(id, json!({"embeds": []})).await.error(), (400, 50006));
    assert_eq!(bench.last().embeds.len(), 1);
}

#[tokio::test]
async fn an_edit_of_a_deleted_message_answers_10008() {
    let bench = Bench::new().await;
    let id = bench.create(json!({"content": "short-lived"})).await.id();
    bench.sim.delete_message(bench.channel, id).unwrap();
    assert_eq!(bench.edit(id, json!({"content": "b"})).await.error(), (404, 10008));
}

#[tokio::test]
async fn only_own_messages_can_be_edited() {
    let bench = Bench::new().await;
    let ada = bench.person("ada");
    let id = bench.sim.say(bench.channel, ada, "mine").unwrap();
    assert_eq!(bench.edit(id, json!({"content": "yours"})).await.error(), (403, 50005));
}

#[tokio::test]
async fn an_own_message_can_be_deleted_and_that_of_another_not() {
    let bench = Bench::new().await;
    let ada = bench.person("ada");
    let id = bench.create(json!({"content": "a"})).await.id();
    let path = |id: Snowflake| format!("/channels/{}/messages/{id}", bench.channel);
    assert_eq!(bench.call(Method::DELETE, &path(id), None).await.status, 204);
    assert_eq!(bench.call(Method::DELETE, &path(id), None).await.error(), (404, 10008));
    let id = bench.sim.say(bench.channel, ada, "mine").unwrap();
    assert_eq!(bench.call(Method::DELETE, &path(id), None).await.error(), (403, 50013));
}

#[tokio::test]
async fn a_message_that_shows_nothing_is_refused() {
    let bench = Bench::unlimited().await;
    for body in [json!({}), json!({"content": "  "}), json!({"content": "", "embeds": []})] {
        assert_eq!(bench.create(body).await.error(), (400, 50006));
    }
}

#[tokio::test]
async fn lengths_are_limited_in_characters_and_the_error_names_the_place() {
    let bench = Bench::unlimited().await;
    assert_eq!(bench.create(json!({"content": "ä".repeat(2000)})).await.status, 200);
    let embed = |embed: Value| bench.create(json!({"embeds": [embed]}));
    let too_long = "BASE_TYPE_MAX_LENGTH";
    let answer = bench.create(json!({"content": "a".repeat(2001)})).await;
    assert_eq!(code_at(&answer, "/content"), too_long);
    assert_eq!(answer.body["errors"]["content"]["_errors"][0]["message"], "Must be 2000 or fewer in length.");
    let many = vec![json!({"title": "t"}); 11];
    assert_eq!(code_at(&bench.create(json!({"embeds": many})).await, "/embeds"), too_long);
    let cases = [
        (json!({"title": "t".repeat(257)}), "/embeds/0/title", too_long),
        (json!({"description": "d".repeat(4097)}), "/embeds/0/description", too_long),
        (json!({"title": "t", "footer": {"text": "f".repeat(2049)}}), "/embeds/0/footer/text", too_long),
        (json!({"title": "t", "author": {"name": "a".repeat(257)}}), "/embeds/0/author/name", too_long),
        (json!({"fields": [{"name": "n", "value": "v".repeat(1025)}]}), "/embeds/0/fields/0/value", too_long),
        (json!({"fields": [{"name": "", "value": "v"}]}), "/embeds/0/fields/0/name", "BASE_TYPE_REQUIRED"),
        (json!({"fields": vec![json!({"name": "n", "value": "v"}); 26]}), "/embeds/0/fields", too_long),
        (json!({"title": "t", "color": 0x0100_0000}), "/embeds/0/color", "NUMBER_TYPE_MAX"),
        (json!({"title": "t", "url": "javascript:1"}), "/embeds/0/url", "URL_TYPE_INVALID_SCHEME"),
        (json!({}), "/embeds/0/description", "BASE_TYPE_REQUIRED"),
    ];
    for (body, path, code) in cases {
        assert_eq!(code_at(&embed(body).await, path), code, "{path}");
    }
}

#[tokio::test]
async fn all_embeds_of_a_message_together_hold_6000_characters() {
    let bench = Bench::new().await;
    let half = json!({"description": "d".repeat(3000)});
    assert_eq!(bench.create(json!({"embeds": [half, half]})).await.status, 200);
    let answer = bench.create(json!({"embeds": [half, half, {"title": "t"}]})).await;
    assert_eq!(code_at(&answer, "/embeds"), "MAX_EMBED_SIZE_EXCEEDED");
}

#[tokio::test]
async fn action_rows_hold_five_buttons_or_one_select_with_distinct_ids() {
    let bench = Bench::unlimited().await;
    let button = |id: &str| json!({"type": 2, "style": 1, "label": "Assign", "custom_id": id});
    let row = |inner: Vec<Value>| json!({"type": 1, "components": inner});
    let select = json!({"type": 5, "custom_id": "who"});
    let five: Vec<Value> = (0..5).map(|n| button(&format!("b{n}"))).collect();
    let send = |rows: Vec<Value>| bench.create(json!({"content": "a", "components": rows}));
    let sent = send(vec![row(five.clone()), row(vec![select.clone()])]).await;
    assert_eq!(sent.status, 200);
    assert_eq!(sent.body["components"][1]["components"][0]["max_values"], 1);
    let mut six = five;
    six.push(button("b5"));
    let inner = "/components/0/components";
    assert_eq!(code_at(&send(vec![row(six)]).await, inner), "BASE_TYPE_BAD_LENGTH");
    assert_eq!(code_at(&send(vec![row(vec![])]).await, inner), "BASE_TYPE_BAD_LENGTH");
    let mixed = row(vec![select, button("a")]);
    assert_eq!(code_at(&send(vec![mixed]).await, inner), "COMPONENT_LAYOUT_WIDTH_EXCEEDED");
    let rows: Vec<Value> = (0..6).map(|n| row(vec![button(&format!("b{n}"))])).collect();
    assert_eq!(code_at(&send(rows).await, "/components"), "BASE_TYPE_MAX_LENGTH");
    let twice = send(vec![row(vec![button("a"), button("a")])]).await;
    assert_eq!(code_at(&twice, "/components/0/components/1/custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED");
    let long = send(vec![row(vec![button(&"c".repeat(101))])]).await;
    assert_eq!(code_at(&long, "/components/0/components/0/custom_id"), "BASE_TYPE_MAX_LENGTH");
    let link = send(vec![row(vec![json!({"type": 2, "style": 5, "label": "Open"})])]).await;
    assert_eq!(code_at(&link, "/components/0/components/0/url"), "BASE_TYPE_REQUIRED");
}

#[tokio::test]
async fn an_enforced_nonce_answers_the_first_message_for_five_minutes() {
    let bench = Bench::new().await;
    let body = json!({"content": "once", "nonce": "n-1", "enforce_nonce": true});
    let first = bench.create(body.clone()).await.id();
    let other = json!({"content": "other words", "nonce": "n-1", "enforce_nonce": true});
    let again = bench.create(other).await;
    assert_eq!((again.id(), &again.body["content"]), (first, &json!("once")));
    assert_eq!(bench.sim.messages(bench.channel).len(), 1);
    bench.advance(299);
    assert_eq!(bench.create(body.clone()).await.id(), first);
    bench.advance(1);
    assert_ne!(bench.create(body).await.id(), first);
}

#[tokio::test]
async fn a_nonce_is_not_unique_unless_that_is_asked_for() {
    let bench = Bench::new().await;
    let body = json!({"content": "twice", "nonce": 7});
    assert_ne!(bench.create(body.clone()).await.id(), bench.create(body).await.id());
    let long = bench.create(json!({"content": "a", "nonce": "n".repeat(26)})).await;
    assert_eq!(code_at(&long, "/nonce"), "BASE_TYPE_MAX_LENGTH");
}

#[tokio::test]
async fn an_enforced_nonce_of_a_deleted_message_answers_10008() {
    let bench = Bench::new().await;
    let body = json!({"content": "once", "nonce": "n-1", "enforce_nonce": true});
    let id = bench.create(body.clone()).await.id();
    bench.sim.delete_message(bench.channel, id).unwrap();
    assert_eq!(bench.create(body).await.error(), (404, 10008));
}

#[tokio::test]
async fn history_comes_newest_first_in_pages() {
    let bench = Bench::unlimited().await;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(bench.create(json!({"content": n.to_string()})).await.id());
    }
    let path = format!("/channels/{}/messages", bench.channel);
    let page = async |query: String| -> Vec<String> {
        let answer = bench.get(&format!("{path}?{query}")).await;
        let messages = answer.body.as_array().unwrap().iter();
        messages.map(|message| message["content"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(page("limit=2".to_owned()).await, ["5", "4"]);
    assert_eq!(page(format!("limit=2&before={}", ids[4])).await, ["3", "2"]);
    assert_eq!(page(format!("limit=2&after={}", ids[0])).await, ["2", "1"]);
    assert_eq!(page(format!("limit=3&around={}", ids[2])).await, ["3", "2", "1"]);
    assert_eq!(bench.get(&format!("{path}?limit=101")).await.error(), (400, 50035));
    assert_eq!(bench.get(&format!("{path}?before=now")).await.error(), (400, 50035));
}

#[tokio::test]
async fn a_reply_shows_what_it_replies_to() {
    let bench = Bench::new().await;
    let first = bench.create(json!({"content": "first"})).await.id();
    let reference = |id: &str| json!({"message_id": id});
    let reply = json!({"content": "second", "message_reference": reference(&first.to_string())});
    let reply = bench.create(reply).await;
    assert_eq!(reply.body["type"], 19);
    assert_eq!(reply.body["referenced_message"]["content"], "first");
    let lost = bench.create(json!({"content": "third", "message_reference": reference("5")})).await;
    assert_eq!(code_at(&lost, "/message_reference"), "REPLIES_UNKNOWN_MESSAGE");
    let reference = json!({"message_id": "5", "fail_if_not_exists": false});
    let plain = bench.create(json!({"content": "third", "message_reference": reference})).await;
    assert_eq!(plain.body["type"], 0);
}

#[tokio::test]
async fn a_wrong_token_path_method_id_or_body_has_its_own_error() {
    let mut bench = Bench::unlimited().await;
    assert_eq!(bench.get("/channels/5").await.error(), (404, 10003));
    assert_eq!(bench.get("/guilds/5").await.error(), (404, 10004));
    assert_eq!(bench.get("/nowhere").await.error(), (404, 0));
    assert_eq!(bench.call(Method::PUT, "/users/@me", None).await.error(), (405, 0));
    let answer = bench.get("/channels/general").await;
    assert_eq!(code_at(&answer, "/channel_id"), "NUMBER_TYPE_COERCE");
    let path = format!("/channels/{}/messages", bench.channel);
    let broken = bench.request(Method::POST, &path, None).header("content-type", "application/json");
    let broken = Answer::read(broken.body("{").send().await.unwrap()).await;
    assert_eq!(broken.error(), (400, 50109));
    bench.token = "another".to_owned();
    let unauthorized = bench.get("/users/@me").await;
    assert_eq!(unauthorized.error(), (401, 0));
    assert_eq!(unauthorized.body["message"], "401: Unauthorized");
}

#[tokio::test]
async fn a_revoked_token_answers_401() {
    let bench = Bench::new().await;
    assert_eq!(bench.get("/users/@me").await.id(), bench.bot);
    bench.sim.revoke_token(TOKEN);
    assert_eq!(bench.get("/users/@me").await.error(), (401, 0));
}
