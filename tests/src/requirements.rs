//! What some tests need from the machine. A test whose need is missing is *skipped*, by name and count;
//! with `HANDOFF_TEST_REQUIRE=postgres,redis,browser` it fails instead.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

/// Comma-separated names of what must not be missing.
const REQUIRE: &str = "HANDOFF_TEST_REQUIRE";
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a test may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A PostgreSQL server: `HANDOFF_TEST_POSTGRES`, or the one on this machine.
    Postgres,
    /// A Redis server: `HANDOFF_TEST_REDIS`, or the one on this machine.
    Redis,
    /// A browser under remote control: `HANDOFF_TEST_WEBDRIVER`, or chromedriver or geckodriver on the path.
    Browser,
}

impl Need {
    const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Browser => "browser",
        }
    }

    /// Whether it is there; looked up once.
    fn is_met(self) -> bool {
        static POSTGRES: LazyLock<bool> = LazyLock::new(crate::database::server_answers);
        static REDIS: LazyLock<bool> = LazyLock::new(redis_answers);
        static BROWSER: LazyLock<bool> = LazyLock::new(browser_is_there);
        match self {
            Self::Postgres => *POSTGRES,
            Self::Redis => *REDIS,
            Self::Browser => *BROWSER,
        }
    }
}

/// Whether a test may go on. If not, it is counted as skipped and named on the real standard error, past
/// the capture of the test harness; the test returns.
///
/// # Panics
/// When the need is missing, and required by the environment.
#[track_caller]
#[must_use]
pub fn need(what: Need) -> bool {
    static SKIPPED: Mutex<()> = Mutex::new(());
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    if what.is_met() {
        return true;
    }
    let test = test_name(Location::caller());
    assert!(!is_required(what), "{test} needs {}, which {REQUIRE} says must be there", what.name());
    let _one_line_at_a_time = SKIPPED.lock().unwrap_or_else(PoisonError::into_inner);
    let count = COUNT.fetch_add(1, Ordering::SeqCst) + 1;
    // Nothing is lost but the line when nobody listens.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: needs {} ({count} skipped so far)", what.name());
    false
}

/// A variable of the environment.
#[expect(clippy::disallowed_methods, reason = "tests are configured by the environment, and have no binary to ask")]
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// How often a property is tried: `usually`, or four times as often where `HANDOFF_TEST_LONG` is set, as in CI.
#[must_use]
pub fn cases(usually: u32) -> u32 {
    if long() { usually * 4 } else { usually }
}

/// A number of the environment, such as a seed.
#[must_use]
pub fn number(name: &str) -> Option<u64> {
    variable(name).and_then(|text| text.parse().ok())
}

/// Whether the long cases run too: where `HANDOFF_TEST_LONG` is set, as in CI.
#[must_use]
pub fn long() -> bool {
    variable("HANDOFF_TEST_LONG").is_some()
}

fn is_required(what: Need) -> bool {
    let required = variable(REQUIRE).unwrap_or_default();
    required.split(',').any(|name| name.trim().eq_ignore_ascii_case(what.name()))
}

/// The harness names the thread of a test after it, unless it runs all of them on the main one.
fn test_name(caller: &Location<'_>) -> String {
    match std::thread::current().name() {
        Some(name) if name != "main" => name.to_owned(),
        _ => format!("the test at {}:{}", caller.file(), caller.line()),
    }
}

/// Where the Redis server is.
#[must_use]
pub fn redis_url() -> String {
    variable("HANDOFF_TEST_REDIS").unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned())
}

fn redis_answers() -> bool {
    let address = redis_url();
    let host = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once('/').map_or(host, |(host, _)| host);
    let mut answer = [0_u8; 1];
    let asked = connect(host).and_then(|mut redis| {
        redis.write_all(b"PING\r\n").ok()?;
        redis.read_exact(&mut answer).ok()
    });
    asked.is_some()
}

fn browser_is_there() -> bool {
    if let Some(address) = variable("HANDOFF_TEST_WEBDRIVER") {
        let host = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
        return connect(host.split_once('/').map_or(host, |(host, _)| host)).is_some();
    }
    let path = variable("PATH").unwrap_or_default();
    let drivers = ["chromedriver", "geckodriver"];
    std::env::split_paths(&path).any(|folder| drivers.iter().any(|driver| folder.join(driver).is_file()))
}

fn connect(host: &str) -> Option<TcpStream> {
    let address: SocketAddr = host.to_socket_addrs().ok()?.next()?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    Some(stream)
}
