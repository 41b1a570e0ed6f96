//! Deliveries sent by hand: rightly or wrongly authenticated, of any bytes, and what we answer.

use crate::api::Answer;
use crate::served::Served;
use handoff_sandbox::azure::SubscriptionId;
use handoff_sandbox::client::plain_client;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde_json::Value;
use std::time::Duration;

/// How long an answer may take, in real time: Azure DevOps must hear within two seconds, and this machine
/// may be busy.
pub const IN_TIME: Duration = Duration::from_secs(4);

/// A hook as whoever knows its secret can call it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Where it delivers to.
    pub url: String,
    user: String,
    password: String,
}

impl Caller {
    /// The hook of a subscription that exists.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn of(instance: &Served, hook: SubscriptionId) -> Self {
        let inputs = instance.azure.subscription(hook).unwrap().consumer_inputs;
        let input = |name: &str| inputs.get(name).cloned().unwrap_or_default();
        Self { url: input("url"), user: input("basicAuthUsername"), password: input("basicAuthPassword") }
    }

    /// The same with another secret.
    #[must_use]
    pub fn with_password(&self, password: &str) -> Self {
        Self { password: password.to_owned(), ..self.clone() }
    }

    /// The same at another address of the same instance.
    #[must_use]
    pub fn at(&self, path: &str) -> Self {
        let base = self.url.split("/webhooks/").next().unwrap_or_default();
        Self { url: format!("{base}{path}"), ..self.clone() }
    }

    /// Posts as this hook.
    pub async fn post(&self, body: impl Into<Vec<u8>>) -> Answer {
        self.send(Some((&self.user, &self.password)), None, body.into()).await
    }

    /// Posts without saying who.
    pub async fn post_as_nobody(&self, body: impl Into<Vec<u8>>) -> Answer {
        self.send(None, None, body.into()).await
    }

    /// Posts with this `Authorization` header.
    pub async fn post_with(&self, authorization: &[u8], body: impl Into<Vec<u8>>) -> Answer {
        self.send(None, Some(authorization), body.into()).await
    }

    async fn send(&self, basic: Option<(&str, &str)>, header: Option<&[u8]>, body: Vec<u8>) -> Answer {
        let mut request = plain_client().unwrap().post(&self.url).timeout(IN_TIME).body(body);
        if let Some((user, password)) = basic {
            request = request.basic_auth(user, Some(password));
        }
        if let Some(header) = header {
            request = request.header(AUTHORIZATION, HeaderValue::from_bytes(header).unwrap());
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let json = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null);
        Answer { status, headers, json }
    }
}
