//! What an installation signs in to Azure DevOps with: a personal access token, or a service principal of
//! Microsoft Entra. Sealed as a whole, so that nothing of it is readable in the database.

use crate::secret::Secret;
use crate::text::single_line;
use serde::{Deserialize, Serialize};

/// What marks a service principal among stored credentials: no text that people can type begins so.
const PRINCIPAL_MARK: &str = "\u{1}service-principal:";
/// The longest tenant, in characters: a host name.
const MAX_TENANT: usize = 253;
/// The longest secret, in characters.
const MAX_SECRET: usize = 2000;

/// What an installation signs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A personal access token.
    Token(Secret),
    /// A service principal (an app registration) of Microsoft Entra.
    ServicePrincipal(ServicePrincipal),
}

/// A service principal. Its tenant is the one that the Azure DevOps organization is connected with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePrincipal {
    /// The directory: a GUID, or one of its domains.
    pub tenant: String,
    /// The application's (client) id, a GUID.
    pub client_id: String,
    /// The client secret's value.
    pub client_secret: Secret,
}

/// Why a credential cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidCredential {
    /// The part that is wrong.
    pub field: &'static str,
    /// For people; nothing of the secret.
    pub problem: String,
}

fn invalid(field: &'static str, problem: impl ToString) -> InvalidCredential {
    InvalidCredential { field, problem: problem.to_string() }
}

fn secret_line(field: &'static str, text: &str) -> Result<Secret, InvalidCredential> {
    single_line(text, MAX_SECRET).map(Secret::new).map_err(|error| invalid(field, error))
}

impl Credential {
    /// A personal access token.
    ///
    /// # Errors
    /// [`InvalidCredential`] when it is empty, too long, or no single line.
    pub fn token(text: &str) -> Result<Self, InvalidCredential> {
        secret_line("credential", text).map(Self::Token)
    }

    /// A service principal.
    ///
    /// # Errors
    /// [`InvalidCredential`] naming the part that cannot be one.
    pub fn service_principal(tenant: &str, client_id: &str, client_secret: &str) -> Result<Self, InvalidCredential> {
        let tenant = single_line(tenant, MAX_TENANT).map_err(|error| invalid("tenant", error))?.to_lowercase();
        // It becomes part of a path.
        let is_name = tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
        if !is_name || tenant.starts_with('.') || matches!(tenant.as_str(), "common" | "organizations" | "consumers") {
            return Err(invalid("tenant", "must be the directory's GUID, or a domain of it such as contoso.com"));
        }
        let client_id = uuid::Uuid::try_parse(client_id.trim());
        let client_id = client_id.map_err(|_| invalid("client_id", "must be the application's GUID"))?;
        let client_secret = secret_line("client_secret", client_secret)?;
        let client_id = client_id.hyphenated().to_string();
        Ok(Self::ServicePrincipal(ServicePrincipal { tenant, client_id, client_secret }))
    }

    /// The text that is sealed and stored.
    #[must_use]
    pub fn to_stored(&self) -> Secret {
        match self {
            Self::Token(token) => token.clone(),
            Self::ServicePrincipal(one) => {
                let stored = Stored {
                    tenant: one.tenant.clone(),
                    client_id: one.client_id.clone(),
                    client_secret: one.client_secret.expose().to_owned(),
                };
                let json = serde_json::to_string(&stored).unwrap_or_default();
                Secret::new(format!("{PRINCIPAL_MARK}{json}"))
            }
        }
    }

    /// What was stored; `None` when it is damaged.
    #[must_use]
    pub fn from_stored(stored: &Secret) -> Option<Self> {
        let Some(json) = stored.expose().strip_prefix(PRINCIPAL_MARK) else {
            return Some(Self::Token(stored.clone()));
        };
        let Stored { tenant, client_id, client_secret } = serde_json::from_str(json).ok()?;
        let client_secret = Secret::new(client_secret);
        Some(Self::ServicePrincipal(ServicePrincipal { tenant, client_id, client_secret }))
    }

    /// The word for its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::ServicePrincipal(_) => "service_principal",
        }
    }
}

impl From<Secret> for Credential {
    fn from(token: Secret) -> Self {
        Self::Token(token)
    }
}

/// A service principal as it is sealed.
#[derive(Serialize, Deserialize)]
struct Stored {
    tenant: String,
    client_id: String,
    client_secret: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "6731DE76-14A6-49AE-97BC-6EBA6914391E";

    #[test]
    fn whatever_is_stored_is_read_back_as_it_was() {
        for credential in [
            Credential::token(" a-token ").unwrap(),
            Credential::token("{\"tenant\":1}").unwrap(),
            Credential::service_principal("Contoso.com", CLIENT, "it's \"secret\"").unwrap(),
        ] {
            assert_eq!(Credential::from_stored(&credential.to_stored()), Some(credential));
        }
        assert_eq!(Credential::from_stored(&Secret::new(format!("{PRINCIPAL_MARK}damaged"))), None);
    }

    #[test]
    fn a_part_that_cannot_be_one_is_named() {
        let field = |tenant, client, secret| {
            Credential::service_principal(tenant, client, secret).err().map(|error| error.field)
        };
        for (tenant, client, secret, wrong) in [
            ("", CLIENT, "s", Some("tenant")),
            ("a/b", CLIENT, "s", Some("tenant")),
            ("..", CLIENT, "s", Some("tenant")),
            ("common", CLIENT, "s", Some("tenant")),
            ("contoso.com", "me", "s", Some("client_id")),
            ("contoso.com", CLIENT, "two\nlines", Some("client_secret")),
            ("contoso.com", CLIENT, "s", None),
        ] {
            assert_eq!(field(tenant, client, secret), wrong, "{tenant} {client} {secret:?}");
        }
        assert_eq!(Credential::token("").unwrap_err().field, "credential");
    }

    #[test]
    fn nothing_secret_is_shown() {
        let credential = Credential::service_principal("contoso.com", CLIENT, "hush").unwrap();
        assert!(!format!("{credential:?}").contains("hush"));
        assert!(!format!("{:?}", Credential::token("hush")).contains("hush"));
    }
}
