//! Asking ourselves from outside: a client that follows no redirect and reads little.

use crate::address::{GuardedResolver, RefusedIp};
use crate::http::SetupError;
use async_trait::async_trait;
use handoff_domain::port::{OwnAnswer, PublicAddress};
use handoff_domain::text::tamed;
use http::header::SERVER;
use reqwest::redirect::Policy;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The beginning of an answer that is read, in bytes.
const MAX_BODY: usize = 4096;
/// Longest cause that is shown, in characters.
const MAX_CAUSE: usize = 160;

/// Our own address. It is the operator's setting, so it may be a private one; link-local and metadata addresses
/// are never called.
pub struct OwnAddress {
    client: reqwest::Client,
}

impl OwnAddress {
    /// A client; nothing is called yet.
    ///
    /// # Errors
    /// [`SetupError`] when the process has no TLS provider, or the HTTP client cannot be made.
    pub fn new() -> Result<Self, SetupError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(SetupError::NoTlsProvider);
        }
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(GuardedResolver { allow_private: true }))
            .timeout(TIMEOUT)
            .build()
            .map_err(SetupError::Client)?;
        Ok(Self { client })
    }
}

#[async_trait]
impl PublicAddress for OwnAddress {
    async fn fetch(&self, url: &str) -> Result<OwnAnswer, String> {
        let mut response = self.client.get(url).send().await.map_err(|error| reason(&error))?;
        let server = response.headers().get(SERVER).and_then(|server| server.to_str().ok()).unwrap_or_default();
        let (status, server) = (response.status().as_u16(), server.to_owned());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() >= MAX_BODY {
                body.truncate(MAX_BODY);
                break;
            }
        }
        Ok(OwnAnswer { status, server, body })
    }
}

/// The innermost cause: the outer ones repeat the address.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    let mut said = "no connection".to_owned();
    while let Some(one) = cause {
        said = match one.downcast_ref::<RefusedIp>() {
            Some(refused) => refused.words().to_owned(),
            None => tamed(&one.to_string(), MAX_CAUSE),
        };
        cause = one.source();
    }
    said
}
