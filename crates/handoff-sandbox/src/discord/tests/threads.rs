//! Threads that start from a message.

use super::*;

async fn start(bench: &Bench, message: Snowflake) -> Answer {
    let path = format!("/channels/{}/messages/{message}/threads", bench.channel);
    bench.call(Method::POST, &path, Some(&json!({"name": "BACKEND-42"}))).await
}

#[tokio::test]
async fn a_thread_has_the_id_of_its_message_and_there_is_only_one() {
    let bench = Bench::new().await;
    let message = bench.create(json!({"content": "card"})).await.id();
    let thread = start(&bench, message).await;
    assert_eq!((thread.status, thread.id()), (201, message));
    assert_eq!(thread.body["type"], 11);
    assert_eq!(thread.body["parent_id"], bench.channel.to_string());
    assert_eq!(start(&bench, message).await.error(), (400, 160_004));
    let channel = bench.get(&format!("/channels/{message}")).await;
    assert_eq!(channel.body["thread_metadata"]["archived"], false);
    let card = bench.get(&format!("/channels/{}/messages/{message}", bench.channel)).await;
    assert_eq!(card.body["thread"]["name"], "BACKEND-42");
}

#[tokio::test]
async fn starting_a_thread_needs_the_permission_a_message_and_a_name() {
    let bench = Bench::new().await;
    let message = bench.create(json!({"content": "card"})).await.id();
    assert_eq!(start(&bench, Snowflake::new(5)).await.error(), (404, 10008));
    let path = format!("/channels/{}/messages/{message}/threads", bench.channel);
    for body in [json!({}), json!({"name": "n".repeat(101)}), json!({"name": "n", "auto_archive_duration": 61})] {
        let answer = bench.call(Method::POST, &path, Some(&body)).await;
        assert_eq!(answer.error(), (400, 50035), "{body}");
    }
    let threads = Permissions::CREATE_PUBLIC_THREADS;
    let everyone = OverwriteTarget::Everyone;
    bench.sim.set_permissions(bench.channel, everyone, Permissions::NONE, threads).unwrap();
    assert_eq!(start(&bench, message).await.error(), (403, 50013));
}

#[tokio::test]
async fn sending_into_a_thread_needs_its_own_permission() {
    let bench = Bench::new().await;
    let message = bench.create(json!({"content": "card"})).await.id();
    let thread = start(&bench, message).await.id();
    let set = |deny| {
        let everyone = OverwriteTarget::Everyone;
        bench.sim.set_permissions(bench.channel, everyone, Permissions::NONE, deny).unwrap();
    };
    set(Permissions::SEND_MESSAGES);
    assert_eq!(bench.create_in(thread, json!({"content": "a"})).await.status, 200);
    set(Permissions::SEND_MESSAGES_IN_THREADS);
    assert_eq!(bench.create_in(thread, json!({"content": "a"})).await.error(), (403, 50013));
}

#[tokio::test]
async fn an_archived_thread_refuses_edits_and_comes_back_when_somebody_writes() {
    let bench = Bench::new().await;
    let message = bench.create(json!({"content": "card"})).await.id();
    let thread = start(&bench, message).await.id();
    let inside = bench.create_in(thread, json!({"content": "a"})).await.id();
    let edit = async || {
        let path = format!("/channels/{thread}/messages/{inside}");
        bench.call(Method::PATCH, &path, Some(&json!({"content": "b"}))).await
    };
    bench.sim.archive_thread(thread, false).unwrap();
    assert_eq!(edit().await.error(), (400, 50083));
    assert_eq!(bench.create_in(thread, json!({"content": "hello?"})).await.status, 200);
    assert_eq!(edit().await.status, 200);
    bench.sim.archive_thread(thread, true).unwrap();
    assert_eq!(bench.create_in(thread, json!({"content": "hello?"})).await.error(), (403, 160_005));
}
