//! Microsoft Entra as far as service principals sign in: the token endpoint of the client credentials grant,
//! and the access tokens that it gave out.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::auth::Caller;

/// The end of the path of the token endpoint; what is before it is the tenant.
const TOKEN_PATH: &str = "/oauth2/v2.0/token";
/// Azure DevOps as a resource.
const SCOPE: &str = "499b84ac-1321-427f-aa17-267ca6975798/.default";
/// How long an access token is good.
const LIFE: Duration = Duration::from_secs(3599);

/// An app registration with its secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewServicePrincipal {
    /// The directory's id.
    pub tenant: String,
    /// The application's id.
    pub client_id: String,
    /// The value of its secret.
    pub client_secret: String,
}

/// A principal, and whether its secret has expired.
#[derive(Debug)]
struct Principal {
    details: NewServicePrincipal,
    caller: Caller,
    secret_has_expired: bool,
}

/// The directory's principals and the tokens that are good.
#[derive(Debug, Default)]
pub(crate) struct Entra {
    principals: Vec<Principal>,
    issued: BTreeMap<String, (Caller, i64)>,
    count: u64,
}

/// Why no token is given.
struct Refused {
    error: &'static str,
    code: u32,
    words: &'static str,
}

const fn refused(error: &'static str, code: u32, words: &'static str) -> Refused {
    Refused { error, code, words }
}

impl Entra {
    pub(crate) fn add(&mut self, details: NewServicePrincipal, caller: Caller) {
        self.principals.push(Principal { details, caller, secret_has_expired: false });
    }

    pub(crate) fn expire_secret(&mut self, client_id: &str) {
        for principal in self.principals.iter_mut().filter(|one| one.details.client_id == client_id) {
            principal.secret_has_expired = true;
        }
    }

    /// As when somebody revokes sessions: what was given out is good no more.
    pub(crate) fn revoke_tokens(&mut self) {
        self.issued.clear();
    }

    /// Who this access token is of, while it is good.
    pub(crate) fn caller(&self, token: &str, now_us: i64) -> Option<Caller> {
        self.issued.get(token).filter(|(_, until_us)| now_us < *until_us).map(|(caller, _)| *caller)
    }

    fn grant(&mut self, tenant: &str, form: &BTreeMap<String, String>, now_us: i64) -> Result<Value, Refused> {
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        if field("grant_type") != "client_credentials" {
            return Err(refused("unsupported_grant_type", 70003, "The app requested an unsupported grant type."));
        }
        if field("scope") != SCOPE {
            return Err(refused(
                "invalid_scope",
                70011,
                "The provided value for the input parameter 'scope' is not valid.",
            ));
        }
        if !self.principals.iter().any(|one| one.details.tenant.eq_ignore_ascii_case(tenant)) {
            return Err(refused(
                "invalid_request",
                90002,
                "Tenant not found. Check to make sure you have the correct tenant ID.",
            ));
        }
        let known = self.principals.iter().find(|one| {
            one.details.tenant.eq_ignore_ascii_case(tenant)
                && one.details.client_id.eq_ignore_ascii_case(field("client_id"))
        });
        let Some(known) = known else {
            let words = "Application with this identifier was not found in the directory.";
            return Err(refused("unauthorized_client", 700_016, words));
        };
        if known.details.client_secret != field("client_secret") {
            let words = "Invalid client secret provided. Ensure the secret being sent in the request is the client \
                         secret value, not the client secret ID.";
            return Err(refused("invalid_client", 7_000_215, words));
        }
        if known.secret_has_expired {
            return Err(refused("invalid_client", 7_000_222, "The provided client secret keys are expired."));
        }
        let caller = known.caller;
        self.count += 1;
        let token = format!("access-token-{}", self.count);
        let life_us = i64::try_from(LIFE.as_micros()).unwrap_or(i64::MAX);
        self.issued.insert(token.clone(), (caller, now_us.saturating_add(life_us)));
        Ok(
            json!({"token_type": "Bearer", "expires_in": LIFE.as_secs(), "ext_expires_in": LIFE.as_secs(), "access_token": token}),
        )
    }

    /// Answers the token endpoint.
    pub(crate) fn answer(&mut self, tenant: &str, body: &Bytes, now_us: i64) -> Response {
        let form = url::form_urlencoded::parse(body).into_owned().collect();
        let (status, body) = match self.grant(tenant, &form, now_us) {
            Ok(body) => (StatusCode::OK, body),
            Err(Refused { error, code, words }) => {
                let status = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
                let description = format!("AADSTS{code}: {words}\r\nTrace ID: 0\r\nCorrelation ID: 0");
                (status, json!({"error": error, "error_description": description, "error_codes": [code]}))
            }
        };
        let mut response = Response::new(body.to_string().into());
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
        response
    }
}

/// The tenant, where a request is for its token endpoint.
pub(crate) fn tenant_of(parts: &Parts) -> Option<&str> {
    let tenant = parts.uri.path().strip_suffix(TOKEN_PATH)?.strip_prefix('/')?;
    (parts.method == Method::POST && !tenant.is_empty() && !tenant.contains('/')).then_some(tenant)
}
