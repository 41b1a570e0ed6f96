//! Finding a message whose answer was lost.

use super::*;
use handoff_domain::port::ChatMessenger;
use handoff_sandbox::discord::Limit;
use handoff_sandbox::fault::Fault;

fn start() -> Timestamp {
    Timestamp::from_micros(START_US)
}

#[tokio::test]
async fn a_message_is_found_whether_or_not_its_nonce_is_shown() {
    for shown in [true, false] {
        let bench = Bench::with(|options| options.limits.reads_show_nonce = shown).await;
        let ada = bench.person("ada");
        bench.sim.faults().push_next("create_message", Fault::Drop);
        bench.chat.create(channel(bench.channel), &card("Log in"), "n-1").await.unwrap_err();
        bench.sim.faults().push_next("create_message", Fault::FailAfter { status: 500 });
        bench.chat.create(channel(bench.channel), &ping(ada, "Log in", None), "n-2").await.unwrap_err();
        bench.sim.say(bench.channel, ada, "hello").unwrap();
        bench.chat.create(channel(bench.channel), &card("Log in"), "n-3").await.unwrap();
        let all = bench.sim.messages(bench.channel);
        for (nonce, expected) in [("n-1", Some(&all[0])), ("n-2", Some(&all[1])), ("n-4", None)] {
            let found = bench.chat.find_by_nonce(channel(bench.channel), nonce, start()).await.unwrap();
            assert_eq!(found, expected.map(|one| message(one.id)), "{nonce}, shown: {shown}");
        }
    }
}

#[tokio::test]
async fn only_what_came_since_is_looked_at() {
    let bench = Bench::new().await;
    let id = bench.chat.create(channel(bench.channel), &card("Log in"), "n-1").await.unwrap();
    bench.advance(600);
    let later = start().plus(Duration::from_secs(600));
    let since = |at| bench.chat.find_by_nonce(channel(bench.channel), "n-1", at);
    assert_eq!(since(later).await.unwrap(), None);
    assert_eq!(since(start()).await.unwrap(), Some(id));
    // A clock that runs a little ahead of Discord's misses nothing.
    assert_eq!(since(start().plus(Duration::from_secs(20))).await.unwrap(), Some(id));
}

#[tokio::test]
async fn the_search_turns_pages_up_to_its_limit() {
    let wide = Limit::new(1000, Duration::from_secs(1));
    let bench = Bench::with(|options| options.limits.other = wide).await;
    let ada = bench.person("ada");
    for n in 0..250 {
        bench.sim.say(bench.channel, ada, &format!("talk {n}")).unwrap();
    }
    let id = bench.chat.create(channel(bench.channel), &card("Log in"), "n-1").await.unwrap();
    let found = bench.chat.find_by_nonce(channel(bench.channel), "n-1", start()).await.unwrap();
    assert_eq!(found, Some(id));
    assert_eq!(bench.sim.request_count("get_messages"), 3);
    for n in 0..1000 {
        bench.sim.say(bench.channel, ada, &format!("more talk {n}")).unwrap();
    }
    let found = bench.chat.find_by_nonce(channel(bench.channel), "n-9", start()).await.unwrap();
    assert_eq!(found, None);
    assert_eq!(bench.sim.request_count("get_messages"), 13);
}

#[tokio::test]
async fn a_person_cannot_pass_for_the_bot() {
    let bench = Bench::with(|options| options.limits.reads_show_nonce = false).await;
    let ada = bench.person("ada");
    bench.sim.say(bench.channel, ada, &crate::marker::content("x", &crate::marker::of("n-1"))).unwrap();
    assert_eq!(bench.chat.find_by_nonce(channel(bench.channel), "n-1", start()).await.unwrap(), None);
}
