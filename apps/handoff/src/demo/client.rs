//! An outside client: plain HTTP with JSON, and waiting for what others do, with a deadline and never for a
//! fixed time.

use crate::environment::SystemClock;
use anyhow::{Context, Result, bail};
use handoff_domain::port::Clock;
use handoff_sandbox::client::plain_client;
use reqwest::{Client, Method};
use serde_json::Value;
use std::time::Duration;

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(30);
/// How often to come again where 503 is answered.
const COME_AGAIN: u32 = 5;
/// How long to rest before that.
const UNTIL_AGAIN: Duration = Duration::from_secs(1);
/// How long to rest between two looks.
const REST: Duration = Duration::from_millis(20);
/// Characters of an unexpected answer that are shown.
const SHOWN: usize = 300;

/// Asks one server.
#[derive(Clone)]
pub(super) struct Http {
    client: Client,
    base: String,
    token: Option<String>,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) json: Value,
}

impl Http {
    /// Asks the server at this address, with a bearer token where one is given.
    pub(super) fn new(base: impl Into<String>, token: Option<&str>) -> Result<Self> {
        Ok(Self { client: plain_client()?, base: base.into(), token: token.map(ToOwned::to_owned) })
    }

    /// Sends a request and reads its answer, whatever it is. One that is asked to come again does, as a client
    /// should, but not for ever.
    pub(super) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        for _ in 0..COME_AGAIN {
            let answer = self.ask_once(method.clone(), path, body).await?;
            if answer.status != 503 {
                return Ok(answer);
            }
            SystemClock.sleep(UNTIL_AGAIN).await;
        }
        self.ask_once(method, path, body).await
    }

    async fn ask_once(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.base)).timeout(REQUEST);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.with_context(|| format!("{method} {path}"))?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.with_context(|| format!("{method} {path}"))?;
        Ok(Answer { status, json: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }

    async fn expect(&self, method: Method, path: &str, body: Option<&Value>, expected: &[u16]) -> Result<Value> {
        let answer = self.ask(method.clone(), path, body).await?;
        if !expected.contains(&answer.status) {
            let said: String = answer.json.to_string().chars().take(SHOWN).collect();
            bail!("{method} {path} was answered {} instead of {expected:?}: {said}", answer.status);
        }
        Ok(answer.json)
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value> {
        self.expect(Method::GET, path, None, &[200]).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.expect(Method::POST, path, Some(body), &[200, 201, 204]).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.expect(Method::PUT, path, Some(body), &[200, 204]).await
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        self.expect(Method::PATCH, path, Some(body), &[200]).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Value> {
        self.expect(Method::DELETE, path, None, &[200, 202, 204]).await
    }

    /// The status of a delivery posted to a webhook with this password.
    pub(super) async fn deliver(&self, url: &str, password: Option<&str>, body: &str) -> Result<u16> {
        let mut request = self.client.post(url).timeout(REQUEST).body(body.to_owned());
        request = request.header("content-type", "application/json");
        if let Some(password) = password {
            request = request.basic_auth("handoff", Some(password));
        }
        Ok(request.send().await.context("the webhook")?.status().as_u16())
    }
}

/// The rows of a list.
pub(super) fn rows(list: &Value) -> &[Value] {
    let rows = list.get("items").unwrap_or(list);
    rows.as_array().map_or(&[], Vec::as_slice)
}

/// A text of an answer.
pub(super) fn text(value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => bail!("a text or a number was expected, not {other}"),
    }
}

/// What a look found.
pub(super) enum Look<T> {
    /// What was waited for.
    Seen(T),
    /// Something else, for people.
    NotYet(String),
}

impl<T> Look<T> {
    /// Seen where there is something.
    pub(super) fn at(found: Option<T>, otherwise: impl ToString) -> Self {
        found.map_or_else(|| Self::NotYet(otherwise.to_string()), Self::Seen)
    }
}

/// Looks again and again until it is seen, at most for so long.
pub(super) async fn eventually<T>(
    patience: Duration,
    what: &str,
    look: impl AsyncFn() -> Result<Look<T>>,
) -> Result<T> {
    let begun = SystemClock.now();
    loop {
        let last = match look().await? {
            Look::Seen(found) => return Ok(found),
            Look::NotYet(last) => last,
        };
        if SystemClock.now().since(begun) > patience {
            let last: String = last.chars().take(SHOWN).collect();
            bail!("{what}: not seen within {} s; last seen: {last}", patience.as_secs_f32());
        }
        SystemClock.sleep(REST).await;
    }
}
