//! The messenger against the simulator, over real HTTP.

mod channels;
mod failures;
mod finding;
mod limits;
mod messages;
mod scripted;

use crate::{DiscordMessenger, DiscordSettings};
use async_trait::async_trait;
use handoff_domain::chat::{Card, CardAssignee, Message, Ping};
use handoff_domain::group::{GroupStatus, Level};
use handoff_domain::id::GroupId;
use handoff_domain::organization::{ChannelId, DiscordUserId, GuildId, MessageId};
use handoff_domain::port::Clock;
use handoff_domain::secret::Secret;
use handoff_domain::time::Timestamp;
use handoff_sandbox::clock::SimClock;
use handoff_sandbox::discord::{ChannelKind, DiscordOptions, DiscordSim, SimMessage, Snowflake};
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use uuid::Uuid;

const TOKEN: &str = "a-token";
/// 2026-01-02T03:04:05Z.
const START_US: i64 = 1_767_323_045_000_000;

/// The simulator's clock as the port.
struct PortClock(SimClock);

#[async_trait]
impl Clock for PortClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.now_us())
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

/// A guild with one text channel, a bot in it, and our messenger with the bot's token. At the end, every
/// request must have been as Discord describes it, where a folder with the description is given.
struct Bench {
    sim: DiscordSim,
    chat: Arc<DiscordMessenger>,
    bot: Snowflake,
    guild: Snowflake,
    channel: Snowflake,
}

impl Bench {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut DiscordOptions)) -> Self {
        let mut options = DiscordOptions::new(SimClock::manual(START_US));
        #[expect(clippy::disallowed_methods, reason = "the folder of the official descriptions is given to the tests")]
        let specs = std::env::var_os("HANDOFF_API_SPECS").map(PathBuf::from);
        options.specs = specs;
        change(&mut options);
        let sim = DiscordSim::start(options).await.unwrap();
        let bot = sim.add_bot(TOKEN, "Handoff");
        let guild = sim.add_guild("Fabrikam");
        let channel = sim.add_channel(guild, ChannelKind::Text, "work").unwrap();
        let chat = Arc::new(messenger(&format!("{}/api/v10", sim.base_url()), sim.clock()));
        Self { sim, chat, bot, guild, channel }
    }

    /// A person in the guild.
    fn person(&self, name: &str) -> Snowflake {
        let user = self.sim.add_user(name);
        self.sim.add_member(self.guild, user).unwrap();
        user
    }

    /// The only message of the channel.
    fn only(&self) -> SimMessage {
        let mut messages = self.sim.messages(self.channel);
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    fn advance(&self, seconds: u64) {
        self.sim.clock().advance(Duration::from_secs(seconds));
    }

    /// Lets the simulator's time pass, so many times as fast as ours, until the handle is aborted.
    fn let_time_pass(&self, speed: u32) -> JoinHandle<()> {
        const TICK: Duration = Duration::from_millis(2);
        let clock = self.sim.clock().clone();
        tokio::spawn(async move {
            loop {
                let _ = tokio::time::timeout(TICK, pending::<()>()).await;
                clock.advance(TICK * speed);
            }
        })
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let violations = self.sim.spec_violations();
            assert!(violations.is_empty(), "{violations:#?}");
        }
    }
}

fn messenger(api_base: &str, clock: &SimClock) -> DiscordMessenger {
    // Whoever comes second finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = DiscordSettings {
        api_base: api_base.to_owned(),
        timeout: Duration::from_secs(2),
        ..DiscordSettings::new(Secret::new(TOKEN))
    };
    DiscordMessenger::new(&settings, Arc::new(PortClock(clock.clone()))).unwrap()
}

fn channel(id: Snowflake) -> ChannelId {
    id.to_string().parse().unwrap()
}

fn guild(id: Snowflake) -> GuildId {
    id.to_string().parse().unwrap()
}

fn message(id: Snowflake) -> MessageId {
    id.to_string().parse().unwrap()
}

fn account(id: Snowflake) -> DiscordUserId {
    id.to_string().parse().unwrap()
}

fn card(title: &str) -> Message {
    Message::Card(Card {
        group: Some(GroupId::from_uuid(Uuid::from_u128(1))),
        short_id: "BACKEND-42".to_owned(),
        title: Some(title.to_owned()),
        url: None,
        level: Level::Error,
        status: Some(GroupStatus::Unresolved),
        assignee: CardAssignee::Nobody,
        work_items: Vec::new(),
    })
}

fn ping(user: Snowflake, title: &str, card: Option<MessageId>) -> Message {
    Message::Ping(Ping { user: account(user), short_id: "BACKEND-42".to_owned(), title: Some(title.to_owned()), card })
}
