//! The simulator over real HTTP, on a clock that stands still.

mod control;
mod description;
mod faults;
mod interactions;
mod limits;
mod mentions;
mod messages;
mod permissions;
mod threads;

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::*;
use crate::client::plain_client;

const TOKEN: &str = "a-token";
/// 2026-01-02T03:04:05Z.
const START_US: i64 = 1_767_323_045_000_000;

/// A guild with one text channel, a bot in it, and a client with the bot's token.
struct Bench {
    sim: DiscordSim,
    http: Client,
    token: String,
    bot: Snowflake,
    guild: Snowflake,
    channel: Snowflake,
}

/// An answer, read whole.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: Value,
}

impl Answer {
    async fn read(response: Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, headers, body }
    }

    fn id(&self) -> Snowflake {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body["id"].as_str().unwrap().parse().unwrap()
    }

    /// Status and Discord's code.
    fn error(&self) -> (u16, u64) {
        (self.status, self.body["code"].as_u64().unwrap_or_else(|| panic!("{self:?}")))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Bench {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut DiscordOptions)) -> Self {
        let mut options = DiscordOptions::new(SimClock::manual(START_US));
        change(&mut options);
        let sim = DiscordSim::start(options).await.unwrap();
        let bot = sim.add_bot(TOKEN, "Handoff");
        let guild = sim.add_guild("Fabrikam");
        let channel = sim.add_channel(guild, ChannelKind::Text, "work").unwrap();
        Self { sim, http: plain_client().unwrap(), token: TOKEN.to_owned(), bot, guild, channel }
    }

    /// Limits so wide that a test about something else never meets them.
    async fn unlimited() -> Self {
        Self::with(|options| {
            let wide = Limit::new(10_000, Duration::from_secs(1));
            options.limits.create_message = wide;
            options.limits.edit_message = wide;
            options.limits.delete_message = wide;
            options.limits.other = wide;
            options.limits.global = wide;
        })
        .await
    }

    fn advance(&self, seconds: u64) {
        self.sim.clock().advance(Duration::from_secs(seconds));
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> RequestBuilder {
        let url = format!("{}/api/v10{path}", self.sim.base_url());
        let request = self.http.request(method, url);
        let request = request.header("authorization", format!("Bot {}", self.token));
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        Answer::read(self.request(method, path, body).send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    async fn create_in(&self, channel: Snowflake, body: Value) -> Answer {
        let path = format!("/channels/{channel}/messages");
        self.call(Method::POST, &path, Some(&body)).await
    }

    async fn create(&self, body: Value) -> Answer {
        self.create_in(self.channel, body).await
    }

    async fn edit(&self, message: Snowflake, body: Value) -> Answer {
        let path = format!("/channels/{}/messages/{message}", self.channel);
        self.call(Method::PATCH, &path, Some(&body)).await
    }

    /// A person in the guild.
    fn person(&self, name: &str) -> Snowflake {
        let user = self.sim.add_user(name);
        self.sim.add_member(self.guild, user).unwrap();
        user
    }

    /// The newest message of the channel.
    fn last(&self) -> SimMessage {
        self.sim.messages(self.channel).pop().unwrap()
    }
}
