//! A client of our HTTP API, as a user of it: JSON in and out, over a real socket.

use crate::clock::TestClock;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::Value;

/// Calls one instance.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    base_url: String,
    token: String,
    /// Moved while a call waits for it; `None` where the instance's loops run.
    clock: Option<TestClock>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; null where it is no JSON.
    pub json: Value,
}

impl Answer {
    /// A header as text; empty where it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Api {
    /// Calls the instance at `base_url` (`http://127.0.0.1:…`) with this token.
    #[must_use]
    pub const fn new(client: Client, base_url: String, token: String, clock: Option<TestClock>) -> Self {
        Self { client, base_url, token, clock }
    }

    /// The same with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The address of a path below `/api/v1`.
    #[must_use]
    pub fn url_of(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.base_url)
    }

    /// The token it calls with.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Calls a path below `/api/v1` and reads the answer, whatever it is.
    ///
    /// # Panics
    /// Without an answer, and when it is 500: nothing that anybody sends may make us fail.
    pub async fn call(&self, method: Method, path: &str, body: &Value) -> Answer {
        let mut request =
            self.client.request(method.clone(), format!("{}/api/v1{path}", self.base_url)).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(body);
        }
        let asked = async {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            (status, headers, response.bytes().await.unwrap())
        };
        let (status, headers, bytes) = match &self.clock {
            Some(clock) => clock.moving(asked).await,
            None => asked.await,
        };
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        assert_ne!(status, 500, "{method} {path} with {body}: {json}");
        Answer { status, headers, json }
    }

    /// Reads.
    ///
    /// # Panics
    /// When the answer is not 200.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.call(Method::GET, path, &Value::Null).await;
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.json);
        answer.json
    }

    /// Reads the items of a list, page after page.
    ///
    /// # Panics
    /// When an answer is not 200.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let glue = if path.contains('?') { '&' } else { '?' };
        let mut next = format!("{path}{glue}limit=100");
        let mut items = Vec::new();
        loop {
            let answer = self.call(Method::GET, &next, &Value::Null).await;
            assert_eq!(answer.status, 200, "GET {next}: {}", answer.json);
            items.extend(answer.json["items"].as_array().unwrap().iter().cloned());
            let link = answer.header("link");
            match link.strip_prefix('<').and_then(|rest| rest.split_once(">; rel=\"next\"")) {
                Some((address, _)) => {
                    address.split_once("/api/v1").unwrap_or(("", address)).1.clone_into(&mut next);
                }
                None => return items,
            }
        }
    }

    /// Makes something.
    ///
    /// # Panics
    /// When the answer is not 201.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.call(Method::POST, path, &body).await;
        assert_eq!(answer.status, 201, "POST {path} with {body}: {}", answer.json);
        answer.json
    }

    /// Changes something; gives the answer's body, null where there is none.
    ///
    /// # Panics
    /// When the answer is no success.
    pub async fn change(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.call(method.clone(), path, &body).await;
        assert!((200..300).contains(&answer.status), "{method} {path} with {body}: {} {}", answer.status, answer.json);
        answer.json
    }
}
