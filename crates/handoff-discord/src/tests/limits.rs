//! Rate limits: kept when they are told, and never waited for too long.

use super::scripted::{Reply, Script};
use super::*;
use handoff_domain::port::{ChatError, ChatMessenger};
use handoff_sandbox::fault::Fault;

async fn create(bench: &Bench, into: Snowflake, nonce: &str) -> Result<MessageId, ChatError> {
    bench.chat.create(channel(into), &card("Log in"), nonce).await
}

fn after(result: Result<MessageId, ChatError>) -> Duration {
    match result {
        Err(ChatError::Retry { after: Some(after), .. }) => after,
        other => panic!("{other:?}"),
    }
}

fn channels(bench: &Bench, count: usize) -> Vec<Snowflake> {
    (0..count).map(|n| bench.sim.add_channel(bench.guild, ChannelKind::Text, &format!("c{n}")).unwrap()).collect()
}

/// Sends all of them at once, and again as long as they are told to come back.
async fn send_all(bench: &Bench, speed: u32, messages: Vec<(Snowflake, String)>) {
    let time = bench.let_time_pass(speed);
    let sending = messages.into_iter().map(|(into, nonce)| {
        let (chat, clock) = (Arc::clone(&bench.chat), bench.sim.clock().clone());
        tokio::spawn(async move {
            loop {
                match chat.create(channel(into), &card("Log in"), &nonce).await {
                    Ok(_) => return,
                    Err(ChatError::Retry { after: Some(after), .. }) => clock.sleep(after).await,
                    Err(error) => panic!("{error:?}"),
                }
            }
        })
    });
    for one in sending.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    time.abort();
}

#[tokio::test]
async fn fifty_messages_to_five_channels_never_meet_a_limit() {
    let bench = Bench::new().await;
    let channels = channels(&bench, 5);
    let messages = (0..50).map(|n| (channels[n % 5], format!("n-{n}"))).collect();
    send_all(&bench, 5, messages).await;
    for id in channels {
        assert_eq!(bench.sim.messages(id).len(), 10);
    }
    let stats = bench.sim.stats();
    assert_eq!((stats.requests_during_cooldown, stats.invalid_requests), (0, 0));
    assert_eq!(bench.sim.request_count("create_message"), 50);
}

#[tokio::test]
async fn a_hundred_channels_at_once_stay_below_the_global_limit() {
    let bench = Bench::new().await;
    let messages = channels(&bench, 100).into_iter().enumerate().map(|(n, id)| (id, format!("n-{n}"))).collect();
    send_all(&bench, 1, messages).await;
    let stats = bench.sim.stats();
    assert_eq!((stats.requests_during_cooldown, stats.invalid_requests), (0, 0));
    assert_eq!(bench.sim.request_count("create_message"), 100);
}

#[tokio::test]
async fn edits_that_share_the_bucket_of_new_messages_wait_for_it() {
    let bench = Bench::with(|options| options.limits.edits_share_create_bucket = true).await;
    let time = bench.let_time_pass(5);
    let id = create(&bench, bench.channel, "n-1").await.unwrap();
    for n in 0..12 {
        bench.chat.edit(channel(bench.channel), id, &card(&format!("edit {n}"))).await.unwrap();
    }
    time.abort();
    let stats = bench.sim.stats();
    assert_eq!((stats.requests_during_cooldown, stats.invalid_requests), (0, 0));
    assert_eq!(bench.only().edits, 12);
}

#[tokio::test]
async fn a_stuck_channel_does_not_stop_others() {
    let bench = Bench::new().await;
    let other = channels(&bench, 1)[0];
    bench.sim.exhaust_shared(bench.channel, Duration::from_secs(3600));
    let told = after(create(&bench, bench.channel, "n-1").await);
    assert!(told >= Duration::from_secs(3600), "{told:?}");
    create(&bench, other, "n-2").await.unwrap();
    // What is known is not asked again.
    after(create(&bench, bench.channel, "n-1").await);
    assert_eq!(bench.sim.requests().len(), 2);
    let stats = bench.sim.stats();
    assert_eq!((stats.requests_during_cooldown, stats.invalid_requests), (0, 0));
    bench.advance(3601);
    create(&bench, bench.channel, "n-1").await.unwrap();
}

#[tokio::test]
async fn a_global_limit_stops_everything_for_its_time() {
    let bench = Bench::new().await;
    let other = channels(&bench, 1)[0];
    bench.sim.exhaust_global(bench.bot, Duration::from_secs(30));
    assert!(after(create(&bench, bench.channel, "n-1").await) >= Duration::from_secs(30));
    bench.advance(10);
    let told = after(create(&bench, other, "n-2").await);
    assert!(told > Duration::from_secs(20) && told < Duration::from_secs(21), "{told:?}");
    assert_eq!(bench.sim.requests().len(), 1);
    bench.advance(21);
    create(&bench, other, "n-2").await.unwrap();
    assert_eq!(bench.sim.requests_during_cooldown(), 0);
}

#[tokio::test]
async fn a_short_limit_is_waited_for_and_the_request_made_again() {
    let bench = Bench::new().await;
    bench.sim.exhaust_global(bench.bot, Duration::from_secs(2));
    let time = bench.let_time_pass(5);
    create(&bench, bench.channel, "n-1").await.unwrap();
    time.abort();
    assert_eq!(bench.sim.requests().len(), 2);
    assert_eq!(bench.sim.requests_during_cooldown(), 0);
}

#[tokio::test]
async fn too_many_edits_of_an_old_message_are_tried_later_and_stop_nothing_else() {
    let bench = Bench::with(|options| {
        let minute = Duration::from_secs(60);
        options.limits.old_edits = handoff_sandbox::discord::Limit::new(1, minute);
    })
    .await;
    let id = create(&bench, bench.channel, "n-1").await.unwrap();
    bench.advance(3601);
    bench.chat.edit(channel(bench.channel), id, &card("b")).await.unwrap();
    for _ in 0..3 {
        let edited = bench.chat.edit(channel(bench.channel), id, &card("c")).await;
        assert!(matches!(&edited, Err(ChatError::Retry { after: Some(after), .. }) if after.as_secs() == 60));
    }
    create(&bench, bench.channel, "n-2").await.unwrap();
    assert_eq!(bench.sim.request_count("edit_message"), 2);
    assert_eq!(bench.sim.requests_during_cooldown(), 0);
}

#[tokio::test]
async fn a_ban_by_cloudflare_stops_everything_for_as_long_as_it_says() {
    let script =
        Script::start([Reply::html(429).header("retry-after", "900"), Reply::json(200, r#"{"id": "9"}"#)]).await;
    let chat = script.chat();
    let told = after(chat.create(ChannelId::new(5).unwrap(), &card("a"), "n-1").await);
    assert!(told >= Duration::from_secs(900) && told < Duration::from_secs(901), "{told:?}");
    script.clock.advance(Duration::from_secs(890));
    let told = after(chat.create(ChannelId::new(6).unwrap(), &card("a"), "n-2").await);
    assert!(told >= Duration::from_secs(10), "{told:?}");
    assert_eq!(script.requests().len(), 1);
    script.clock.advance(Duration::from_secs(11));
    chat.create(ChannelId::new(6).unwrap(), &card("a"), "n-2").await.unwrap();
}

#[tokio::test]
async fn a_429_that_says_nothing_else_is_given_a_minute() {
    let script = Script::start([Reply::html(429)]).await;
    let told = after(script.chat().create(ChannelId::new(5).unwrap(), &card("a"), "n-1").await);
    assert_eq!(told, Duration::from_secs(60));
}

#[tokio::test]
async fn an_answer_that_never_came_leaves_the_channel_usable() {
    let bench = Bench::new().await;
    for n in 0..4 {
        bench.sim.faults().push_next("create_message", Fault::Drop);
        create(&bench, bench.channel, &format!("n-{n}")).await.unwrap_err();
    }
    let time = bench.let_time_pass(5);
    for n in 4..8 {
        create(&bench, bench.channel, &format!("n-{n}")).await.unwrap();
    }
    time.abort();
    assert_eq!(bench.sim.messages(bench.channel).len(), 8);
    assert_eq!(bench.sim.requests_during_cooldown(), 0);
}

#[tokio::test]
async fn who_waited_too_long_behind_others_is_sent_away_without_a_request() {
    let bench = Bench::new().await;
    bench.sim.faults().push_next("create_message", Fault::Delay(Duration::from_secs(60)));
    let spawn = |nonce: &'static str| {
        let (chat, into) = (Arc::clone(&bench.chat), channel(bench.channel));
        tokio::spawn(async move { chat.create(into, &card("Log in"), nonce).await })
    };
    let first = spawn("n-1");
    tokio::task::yield_now().await;
    let second = spawn("n-2");
    let time = bench.let_time_pass(200);
    first.await.unwrap().unwrap();
    assert!(after(second.await.unwrap()) > Duration::ZERO);
    time.abort();
    assert_eq!(bench.sim.request_count("create_message"), 1);
}
