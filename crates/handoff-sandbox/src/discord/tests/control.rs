//! Control by another process, and the pages.

use super::*;

async fn command(bench: &Bench, command: Value) -> Answer {
    let url = format!("{}/_sim/commands", bench.sim.base_url());
    Answer::read(bench.http.post(url).json(&command).send().await.unwrap()).await
}

async fn sim(bench: &Bench, path: &str) -> Answer {
    let url = format!("{}/_sim{path}", bench.sim.base_url());
    Answer::read(bench.http.get(url).send().await.unwrap()).await
}

#[tokio::test]
async fn a_guild_is_built_and_looked_at_over_http() {
    let bench = Bench::new().await;
    let guild = command(&bench, json!({"do": "add_guild", "name": "Contoso"})).await.id();
    let channel = json!({"do": "add_channel", "guild": guild, "kind": "text", "name": "news"});
    let channel = command(&bench, channel).await.id();
    let user = command(&bench, json!({"do": "add_user", "name": "ada"})).await.id();
    let joined = command(&bench, json!({"do": "add_member", "guild": guild, "user": user})).await;
    assert_eq!(joined.body, json!({}));
    let content = format!("hello <@{user}>");
    bench.create_in(channel, json!({"content": content, "nonce": "n"})).await;
    let messages = sim(&bench, &format!("/channels/{channel}/messages")).await;
    assert_eq!(messages.body[0]["content"], content);
    assert_eq!(messages.body[0]["nonce"], "n");
    assert_eq!(messages.body[0]["pings"]["users"], json!([user]));
    assert_eq!(sim(&bench, "/requests").await.body[0]["operation"], "create_message");
    let stats = sim(&bench, "/stats").await;
    assert_eq!(stats.body["requests"]["create_message"], 1);
    assert_eq!(stats.body["requests_during_cooldown"], 0);
}

#[tokio::test]
async fn faults_permissions_and_the_clock_are_changed_over_http() {
    let bench = Bench::new().await;
    let fault = json!({"do": "add_fault", "operation": "*", "fault": {"refuse_before": {"status": 503}}});
    assert_eq!(command(&bench, fault).await.status, 200);
    assert_eq!(bench.get("/users/@me").await.status, 503);
    let deny = Permissions::VIEW_CHANNEL;
    let set = json!({
        "do": "set_permissions", "channel": bench.channel, "target": "everyone", "allow": "0", "deny": deny,
    });
    assert_eq!(command(&bench, set).await.status, 200);
    assert_eq!(bench.create(json!({"content": "a"})).await.error(), (403, 50001));
    command(&bench, json!({"do": "advance", "by_ms": 1500})).await;
    assert_eq!(bench.sim.clock().now_us(), START_US + 1_500_000);
}

#[tokio::test]
async fn an_unknown_id_and_an_unknown_command_are_refused() {
    let bench = Bench::new().await;
    let answer = command(&bench, json!({"do": "delete_channel", "channel": "5"})).await;
    assert_eq!((answer.status, &answer.body["error"]), (404, &json!("there is no channel 5")));
    assert_eq!(command(&bench, json!({"do": "dance"})).await.status, 400);
    assert_eq!(sim(&bench, "/channels/5").await.status, 404);
}

#[tokio::test]
async fn the_page_of_a_channel_shows_messages_as_discord_would_and_escapes_them() {
    let bench = Bench::new().await;
    let ada = bench.person("ada <b>");
    let button = json!({"type": 2, "style": 3, "label": "Resolve <it>", "custom_id": "resolve"});
    let body = json!({
        "content": format!("**Now** <@{ada}> <script>alert(1)</script> [docs](https://example.org/?a=\"b)"),
        "embeds": [{"title": "BACKEND-42", "color": 0xff_8800, "fields": [{"name": "Assignee", "value": "<i>x</i>"}]}],
        "components": [{"type": 1, "components": [button]}],
    });
    let id = bench.create(body).await.id();
    let page = sim(&bench, &format!("/channels/{}", bench.channel)).await;
    let html = page.body.as_str().unwrap();
    for wanted in [
        "<b>Now</b>",
        "<span class=\"mention\">@ada &lt;b&gt;</span>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<a href=\"https://example.org/?a=&quot;b\" rel=\"noreferrer\">docs</a>",
        "border-color:#ff8800",
        "&lt;i&gt;x&lt;/i&gt;",
        "Resolve &lt;it&gt;",
        "🔔 ada &lt;b&gt;",
    ] {
        assert!(html.contains(wanted), "{wanted} is not in {html}");
    }
    assert!(!html.contains("(edited)"));
    bench.edit(id, json!({"content": "later"})).await;
    let page = sim(&bench, &format!("/channels/{}", bench.channel)).await;
    assert!(page.body.as_str().unwrap().contains("(edited)"));
    assert!(sim(&bench, "").await.body.as_str().unwrap().contains("Fabrikam"));
}
