//! Sends signed requests to the endpoint, and checks it as Discord does: a right signature must be answered,
//! a wrong one refused.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::{EndpointRefused, hex};
use crate::client::plain_client;
use crate::discord::control::Control;

/// How long Discord waits for an answer.
const PATIENCE: Duration = Duration::from_secs(3);
const SIGNATURE: &str = "X-Signature-Ed25519";
const TIMESTAMP: &str = "X-Signature-Timestamp";

/// A request to the endpoint as it goes out, right or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawRequest {
    /// The header with the signature; left out where there is none.
    pub signature: Option<String>,
    /// The header with the time; left out where there is none.
    pub timestamp: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What the endpoint answered.
#[derive(Clone, Debug, PartialEq)]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Whether the answer says that it is JSON.
    pub is_json: bool,
    /// The body; null where it is no JSON.
    pub json: Value,
}

impl Control {
    /// The public key of the application, in hexadecimal digits.
    #[must_use]
    pub fn public_key(&self) -> String {
        self.with(|world, _| world.interactions.public_key())
    }

    /// The endpoint that is registered.
    #[must_use]
    pub fn interactions_endpoint(&self) -> Option<String> {
        self.with(|world, _| world.interactions.endpoint.clone())
    }

    /// Registers an endpoint, once it answered a right signature and refused a wrong one.
    ///
    /// # Errors
    /// [`EndpointRefused`]; then the endpoint before it stays.
    pub async fn set_interactions_endpoint(&self, url: &str) -> Result<(), EndpointRefused> {
        let ping = self.signed(&ping());
        let answer = self.send_raw_to(url, &ping).await.map_err(EndpointRefused)?;
        if answer.status != 200 || !answer.is_json || answer.json["type"] != 1 {
            return Err(EndpointRefused(format!("a ping was answered {} {}", answer.status, answer.json)));
        }
        self.check_refusals(url).await.map_err(EndpointRefused)?;
        self.with(|world, _| world.interactions.endpoint = Some(url.to_owned()));
        Ok(())
    }

    /// Sends wrong signatures to the registered endpoint, as Discord does now and then. One that takes them
    /// is removed.
    ///
    /// # Errors
    /// [`EndpointRefused`] when it was removed, or there is none.
    pub async fn probe_interactions_endpoint(&self) -> Result<(), EndpointRefused> {
        let url = self.interactions_endpoint().ok_or_else(|| EndpointRefused("there is none".to_owned()))?;
        let checked = self.check_refusals(&url).await;
        if checked.is_err() {
            self.with(|world, _| world.interactions.endpoint = None);
        }
        checked.map_err(EndpointRefused)
    }

    async fn check_refusals(&self, url: &str) -> Result<(), String> {
        let right = self.signed(&ping());
        let wrong = hex(&[7; 64]);
        let altered = [&right.body[..], b" "].concat();
        for request in [
            RawRequest { signature: Some(wrong), ..right.clone() },
            RawRequest { body: altered, ..right.clone() },
            RawRequest { timestamp: Some("0".to_owned()), ..right.clone() },
            RawRequest { signature: None, timestamp: None, ..right },
        ] {
            let answer = self.send_raw_to(url, &request).await?;
            if answer.status != 401 {
                return Err(format!("a wrong signature was answered {}", answer.status));
            }
        }
        Ok(())
    }

    /// This body, signed now.
    #[must_use]
    pub fn signed(&self, body: &[u8]) -> RawRequest {
        self.with(|world, now_us| {
            let timestamp = (now_us / 1_000_000).to_string();
            let signature = Some(world.interactions.sign(&timestamp, body));
            RawRequest { signature, timestamp: Some(timestamp), body: body.to_vec() }
        })
    }

    /// Sends a request to the registered endpoint as it is.
    ///
    /// # Errors
    /// Without an endpoint, and when it does not answer within three seconds.
    pub async fn send_raw(&self, request: &RawRequest) -> Result<RawAnswer, String> {
        let url = self.interactions_endpoint().ok_or_else(|| "there is no endpoint".to_owned())?;
        self.send_raw_to(&url, request).await
    }

    async fn send_raw_to(&self, url: &str, request: &RawRequest) -> Result<RawAnswer, String> {
        let client = plain_client().map_err(|error| error.to_string())?;
        let mut sent = client.post(url).header(CONTENT_TYPE, "application/json");
        for (name, value) in [(SIGNATURE, &request.signature), (TIMESTAMP, &request.timestamp)] {
            if let Some(value) = value {
                sent = sent.header(name, value);
            }
        }
        let answered = async {
            let response = sent.body(request.body.clone()).send().await?;
            let status = response.status().as_u16();
            let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let is_json = kind.is_some_and(|kind| kind.starts_with("application/json"));
            let json = serde_json::from_slice(&response.bytes().await?).unwrap_or(Value::Null);
            Ok::<_, reqwest::Error>(RawAnswer { status, is_json, json })
        };
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(answered) => answered.map_err(|error| format!("it does not answer: {error}")),
            Err(_) => Err("it did not answer within three seconds".to_owned()),
        }
    }
}

fn ping() -> Vec<u8> {
    json!({ "id": "1", "application_id": "1", "type": 1, "version": 1, "token": "a" }).to_string().into_bytes()
}
