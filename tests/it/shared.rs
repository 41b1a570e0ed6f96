//! What replicas share: the caches and the snowflake sequence keep the same rules in process and in Redis.
#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod caches;
mod sequences;

use handoff::environment::{SystemClock, SystemEntropy};
use handoff_cache::Redis;
use handoff_domain::id::GroupId;
use handoff_domain::port::Clock;
use handoff_tests::proxy::Proxy;
use handoff_tests::requirements::{Need, need, redis_url};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How long a call may take on a machine that is busy otherwise.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server, and a line to it, with keys of its own; `None`, and the test skipped, where there is none.
async fn on_a_line(patience: Duration) -> Option<(Arc<Redis>, Proxy)> {
    if !need(Need::Redis) {
        return None;
    }
    let mut url: Url = redis_url().parse().unwrap();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(6379));
    let line = Proxy::to(server).await.unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(line.addr().port())).unwrap();
    let namespace = format!("handoff-test:{}", a_group().get().simple());
    let redis = Redis::new(url.as_str(), &namespace, patience, Arc::new(SystemClock)).unwrap();
    redis.ping().await.unwrap();
    Some((Arc::new(redis), line))
}

/// Another one each time.
fn a_group() -> GroupId {
    GroupId::generate(SystemClock.now(), &SystemEntropy)
}
