//! Microsoft Entra: access tokens for service principals, by the client credentials grant (Microsoft identity
//! platform docs, "OAuth 2.0 client credentials flow"). One token for each principal, kept until shortly before
//! it ends; one request for it under way at a time; a token that Azure DevOps refuses is fetched anew.

use crate::address::AddressPolicy;
use crate::http::{MAX_REASON, unavailable};
use crate::json::{self, Loose};
use crate::pace::asked_wait;
use handoff_domain::credential::ServicePrincipal;
use handoff_domain::port::Clock;
use handoff_domain::port::tracker::TrackerError;
use handoff_domain::secret::Secret;
use handoff_domain::text::tamed;
use handoff_domain::time::Timestamp;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::form_urlencoded;

/// Where the public cloud signs in.
pub const PUBLIC_CLOUD: &str = "https://login.microsoftonline.com";
/// Azure DevOps as a resource of Entra, in every directory (Azure DevOps docs, "Use Microsoft Entra service
/// principals & managed identities").
const SCOPE: &str = "499b84ac-1321-427f-aa17-267ca6975798/.default";
/// How long a token may take to be had, so that the call itself has the most of the time.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long before its end a token is not used any more, at the most; of a short one a tenth.
const LONGEST_MARGIN: Duration = Duration::from_secs(300);
/// The longest life of a token that is believed.
const LONGEST_LIFE: Duration = Duration::from_secs(86_400);
/// The largest answer read, in bytes.
const MAX_ANSWER: usize = 256 * 1024;
/// Principals remembered; past this, those that nobody is asking for are forgotten.
const MAX_PRINCIPALS: usize = 10_000;

type Kept = Arc<tokio::sync::Mutex<Option<Token>>>;

/// Signs service principals in.
pub(crate) struct Entra {
    client: reqwest::Client,
    sign_in_url: String,
    policy: AddressPolicy,
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<[u8; 32], Kept>>,
}

/// An access token, and when to use it no more.
struct Token {
    secret: Secret,
    until: Timestamp,
}

/// A good answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Granted {
    access_token: Loose,
    expires_in: Loose,
}

/// A refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: Loose,
    error_description: Loose,
}

impl Entra {
    pub(crate) fn new(
        client: reqwest::Client,
        sign_in_url: &str,
        policy: &AddressPolicy,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let sign_in_url = sign_in_url.trim_end_matches('/').to_owned();
        Self { client, sign_in_url, policy: policy.clone(), clock, kept: Mutex::default() }
    }

    /// An access token of the principal; another than `refused`, where Azure DevOps refused one.
    ///
    /// # Errors
    /// [`TrackerError::NotSignedIn`] with what to do, or why Entra cannot be asked.
    pub(crate) async fn token(
        &self,
        principal: &ServicePrincipal,
        refused: Option<&Secret>,
    ) -> Result<Secret, TrackerError> {
        let kept = self.kept_for(principal);
        // Held while it is fetched: whoever comes meanwhile waits for that one.
        let mut kept = kept.lock().await;
        let usable = kept.as_ref().filter(|token| self.clock.now() < token.until && Some(&token.secret) != refused);
        if let Some(token) = usable {
            return Ok(token.secret.clone());
        }
        *kept = None;
        let fetched = self.fetch(principal).await?;
        let secret = fetched.secret.clone();
        *kept = Some(fetched);
        Ok(secret)
    }

    fn kept_for(&self, principal: &ServicePrincipal) -> Kept {
        let mut digest = Sha256::new();
        for part in [&principal.tenant, &principal.client_id, principal.client_secret.expose()] {
            digest.update(part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_PRINCIPALS {
            kept.retain(|_, one| Arc::strong_count(one) > 1);
        }
        Arc::clone(kept.entry(digest.finalize().into()).or_default())
    }

    async fn fetch(&self, principal: &ServicePrincipal) -> Result<Token, TrackerError> {
        let base = self.policy.check_sign_in(&self.sign_in_url)?;
        let url = format!("{base}/{}/oauth2/v2.0/token", principal.tenant);
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &principal.client_id)
            .append_pair("client_secret", principal.client_secret.expose())
            .append_pair("scope", SCOPE)
            .finish();
        let request = self.client.post(url).timeout(TOKEN_TIMEOUT).header(ACCEPT, "application/json");
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        let asked_at = self.clock.now();
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        tracing::debug!(status = status.as_u16(), "Microsoft Entra answered");
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(unavailable("Microsoft Entra answered more than a token"));
            }
            body.extend_from_slice(&chunk);
        }
        classified(status, &headers, &body, asked_at)
    }
}

/// Without the cause's address: the tenant is in it.
fn unreachable(error: &reqwest::Error) -> TrackerError {
    let why = if error.is_timeout() { "does not answer in time" } else { "cannot be reached" };
    unavailable(format!("Microsoft Entra, which signs the service principal in, {why}"))
}

fn classified(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    asked_at: Timestamp,
) -> Result<Token, TrackerError> {
    match status.as_u16() {
        200 => granted(body, asked_at),
        429 => Err(TrackerError::Throttled { retry_after: asked_wait(headers, asked_at) }),
        400..=499 => Err(TrackerError::NotSignedIn { reason: reason_of(status, body) }),
        other => Err(unavailable(format!("Microsoft Entra answered {other}"))),
    }
}

fn granted(body: &[u8], asked_at: Timestamp) -> Result<Token, TrackerError> {
    let granted: Granted = json::read(body).map_err(|_| unavailable("Microsoft Entra answered no token"))?;
    let token = granted.access_token.text().filter(|token| !token.is_empty() && token.is_ascii());
    let token = token.ok_or_else(|| unavailable("Microsoft Entra answered no token"))?;
    // A number, which some write as a text.
    let life = granted.expires_in.integer().or_else(|| granted.expires_in.text()?.parse().ok());
    let life = Duration::from_secs(life.and_then(|life| u64::try_from(life).ok()).unwrap_or(0)).min(LONGEST_LIFE);
    let until = asked_at.plus(life.saturating_sub(LONGEST_MARGIN.min(life / 10)));
    Ok(Token { secret: Secret::new(token), until })
}

/// What is wrong and what to do about it, by the codes of the docs, "Microsoft Entra authentication and
/// authorization error codes". The code is named, so that it can be looked up.
fn reason_of(status: StatusCode, body: &[u8]) -> String {
    let refused: Refused = json::read(body).unwrap_or_default();
    let description = refused.error_description.text().unwrap_or_default();
    let code = code_in(description);
    let what_to_do = match code.unwrap_or_default() {
        "AADSTS7000215" => "the client secret is wrong; give the secret's value, not its id",
        "AADSTS7000222" => {
            "the client secret has expired; make a new one under App registrations, Certificates & secrets, and save \
             it in the installation"
        }
        "AADSTS700016" => "there is no application with this client id in the tenant; check both ids",
        "AADSTS90002" | "AADSTS900021" | "AADSTS900023" => {
            "there is no such tenant; give the directory's id, as the application's overview page shows it"
        }
        "AADSTS7000112" => "the application is disabled; enable it under Enterprise applications",
        "AADSTS500011" | "AADSTS650052" => {
            "the tenant does not know Azure DevOps; it must be the tenant that the organization is connected with"
        }
        "AADSTS53003" | "AADSTS530035" => {
            "a Conditional Access policy blocks it; an administrator of the tenant must let the application in from \
             our address"
        }
        _ => {
            let line = description.lines().next().unwrap_or_default();
            let said = tamed(line, MAX_REASON);
            let error = refused.error.text().map(|error| tamed(error, 64)).unwrap_or_default();
            return match (said.is_empty(), error.is_empty()) {
                (false, _) => said,
                (true, false) => error,
                (true, true) => format!("status {} without a reason", status.as_u16()),
            };
        }
    };
    format!("{what_to_do} ({})", code.unwrap_or_default())
}

/// The code that a description begins with: `AADSTS7000215: …`.
fn code_in(description: &str) -> Option<&str> {
    let code = description.split([':', ' ']).next()?;
    let digits = code.strip_prefix("AADSTS")?;
    (!digits.is_empty() && digits.len() < 12 && digits.bytes().all(|digit| digit.is_ascii_digit())).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_772_352_000);

    fn until(expires_in: &str) -> Option<Duration> {
        let body = format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#);
        granted(body.as_bytes(), NOW).ok().map(|token| token.until.since(NOW))
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
        let secs = |n| Some(Duration::from_secs(n));
        for (expires_in, expected) in
            [("3599", secs(3299)), ("\"3600\"", secs(3300)), ("100", secs(90)), ("-1", secs(0)), ("{}", secs(0))]
        {
            assert_eq!(until(expires_in), expected, "{expires_in}");
        }
        assert!(granted(b"{}", NOW).is_err());
        assert!(granted(b"<html>", NOW).is_err());
    }

    #[test]
    fn every_refusal_says_what_to_do_or_at_least_what_was_said() {
        for (body, words) in [
            (r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret."}"#, "its id"),
            (r#"{"error":"invalid_client","error_description":"AADSTS7000222: expired"}"#, "has expired"),
            (r#"{"error":"unauthorized_client","error_description":"AADSTS700016: x"}"#, "(AADSTS700016)"),
            (r#"{"error":"invalid_request","error_description":"AADSTS90002: Tenant"}"#, "no such tenant"),
            (r#"{"error":"x","error_description":"AADSTS999: Something new.\r\nTrace ID: 1"}"#, "Something new."),
            (r#"{"error":"invalid_scope"}"#, "invalid_scope"),
            ("<html>", "status 400"),
        ] {
            let said = reason_of(StatusCode::BAD_REQUEST, body.as_bytes());
            assert!(said.contains(words) && !said.contains("Trace ID"), "{said}");
        }
    }

    #[test]
    fn an_outage_of_entra_is_told_apart_from_a_refusal() {
        let of = |status| classified(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), b"", NOW).err();
        assert!(matches!(of(401), Some(TrackerError::NotSignedIn { .. })));
        assert!(matches!(of(429), Some(TrackerError::Throttled { .. })));
        for status in [302, 500, 503] {
            assert!(matches!(of(status), Some(TrackerError::Unavailable { .. })), "{status}");
        }
    }
}
