//! The simulator against the official description, where a folder with it is given.

use std::path::PathBuf;

use super::*;

async fn described() -> Option<Bench> {
    #[expect(clippy::disallowed_methods, reason = "the folder of the official descriptions is given to the tests")]
    let folder = std::env::var_os("HANDOFF_API_SPECS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: HANDOFF_API_SPECS names no folder with the official descriptions");
    }
    let folder = folder?;
    Some(Bench::with(|options| options.specs = Some(folder)).await)
}

#[tokio::test]
async fn every_operation_is_asked_and_answered_as_described() {
    let Some(bench) = described().await else { return };
    let (ada, channel, guild) = (bench.person("ada"), bench.channel, bench.guild);
    let button = json!({"type": 2, "style": 1, "label": "Assign", "custom_id": "a", "emoji": {"name": "✋"}});
    let rows = json!([
        {"type": 1, "components": [button, {"type": 2, "style": 5, "label": "Open", "url": "https://example.org/"}]},
        {"type": 1, "components": [{"type": 5, "custom_id": "who", "placeholder": "Assign…"}]},
    ]);
    let embed = json!({
        "title": "t", "url": "https://example.org/", "description": "d", "color": 255,
        "timestamp": "2026-01-02T03:04:05Z", "footer": {"text": "f"}, "author": {"name": "a"},
        "fields": [{"name": "n", "value": "v"}],
    });
    let body = json!({
        "content": format!("<@{ada}>"), "embeds": [embed], "components": rows, "flags": 4096,
        "nonce": "n", "enforce_nonce": true, "allowed_mentions": {"users": [ada]},
    });
    let message = bench.create(body).await.id();
    bench.create(json!({"content": "a", "message_reference": {"message_id": message}})).await.id();
    bench.edit(message, json!({"content": null, "embeds": [embed], "allowed_mentions": {"parse": []}})).await.id();
    let path = format!("/channels/{channel}/messages/{message}/threads");
    bench.call(Method::POST, &path, Some(&json!({"name": "t", "auto_archive_duration": 60}))).await.id();
    let dm = json!({"recipient_id": ada});
    bench.call(Method::POST, "/users/@me/channels", Some(&dm)).await.id();
    for path in [
        "/users/@me".to_owned(),
        format!("/guilds/{guild}"),
        format!("/guilds/{guild}/channels"),
        format!("/guilds/{guild}/roles"),
        format!("/guilds/{guild}/members/{ada}"),
        format!("/channels/{channel}"),
        format!("/channels/{message}"),
        format!("/channels/{channel}/messages?limit=10"),
        format!("/channels/{channel}/messages/{message}"),
    ] {
        assert_eq!(bench.get(&path).await.status, 200, "{path}");
    }
    bench.call(Method::DELETE, &format!("/channels/{channel}/messages/{message}"), None).await;
    assert_eq!(bench.get("/channels/5").await.status, 404);
    assert_eq!(bench.create(json!({"content": "c".repeat(2001)})).await.status, 400);
    let violations = bench.sim.spec_violations();
    assert!(violations.is_empty(), "{violations:#?}");
}

#[tokio::test]
async fn a_request_that_is_not_as_described_is_recorded() {
    let Some(bench) = described().await else { return };
    bench.create(json!({"content": "a", "alowed_mentions": {"parse": []}})).await;
    assert_eq!(bench.sim.spec_violations().len(), 1, "{:?}", bench.sim.spec_violations());
    bench.get("/channels/5/messages?limit=0").await;
    assert_eq!(bench.sim.spec_violations().len(), 2, "{:?}", bench.sim.spec_violations());
}
