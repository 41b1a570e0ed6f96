//! `token`: makes tokens for the API, and revokes them.

use crate::command_line::TokenCommand;
use crate::config::Config;
use crate::database::{self, IfMissing};
use crate::environment::{SystemClock, SystemEntropy};
use crate::failure::Failure;
use crate::output::Output;
use anyhow::{Context, anyhow};
use handoff_domain::id::{OrganizationId, TokenId};
use handoff_domain::port::{Clock, Reader};
use handoff_domain::service::essentials::Essentials;
use handoff_domain::service::tokens::Tokens;
use handoff_domain::slug::Slug;
use handoff_domain::text::Name;
use handoff_worker::WakeSignals;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// Does what is asked with tokens, on a database of this version.
pub(super) async fn run(config: &Config, command: TokenCommand, output: Output) -> Result<(), Failure> {
    let database = database::open_current(config, IfMissing::Refuse).await?;
    let shared = Arc::new(database.clone());
    let base = Essentials {
        store: shared.clone(),
        reader: shared,
        wake: Arc::new(WakeSignals::default()),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        snowflakes: None,
    };
    let tokens = Tokens { base };
    let done = match command {
        TokenCommand::Create { name, organization, expires_days } => {
            create(&tokens, &name, organization.as_deref(), expires_days, output).await
        }
        TokenCommand::Revoke { id } => revoke(&tokens, &id, output).await,
    };
    database.close().await?;
    done
}

async fn create(
    tokens: &Tokens,
    name: &str,
    organization: Option<&str>,
    expires_days: Option<u32>,
    output: Output,
) -> Result<(), Failure> {
    let name = Name::parse(name).context("--name").map_err(Failure::misconfigured)?;
    let organization = match organization {
        Some(named) => Some(found(tokens.base.reader.as_ref(), named).await?),
        None => None,
    };
    let expires_at = expires_days.map(|days| SystemClock.now().plus(DAY * days));
    let (token, secret) = tokens.create(name, organization, expires_at).await?;
    let words = format!("{}\nIts id is {}. It is not shown again.", secret.expose(), token.id);
    let value = json!({
        "id": token.id,
        "name": token.name,
        "organization": token.organization,
        "expires_at": token.expires_at,
        "token": secret.expose(),
    });
    Ok(output.say(&words, &value)?)
}

/// The organization of this slug or id.
pub(super) async fn found(reader: &dyn Reader, named: &str) -> Result<OrganizationId, Failure> {
    let by_id = named.parse().ok().map(OrganizationId::new);
    let found = match by_id {
        Some(id) => reader.organization(id).await?,
        None => match Slug::parse(named) {
            Ok(slug) => reader.organization_by_slug(&slug).await?,
            Err(_) => None,
        },
    };
    let found = found.ok_or_else(|| anyhow!("there is no organization {named:?}"))?;
    Ok(found.id)
}

async fn revoke(tokens: &Tokens, id: &str, output: Output) -> Result<(), Failure> {
    let id: TokenId = id.parse().context("the id of a token is a UUID").map_err(Failure::misconfigured)?;
    tokens.revoke(id).await?;
    Ok(output.say("Revoked.", &json!({"revoked": id}))?)
}
