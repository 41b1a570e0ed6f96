//! Organizations, users, teams and tokens.

use super::{at, discord, name, slug};
use crate::error::damaged;
use crate::table::{api_tokens, organizations, teams, user_emails, users};
use handoff_domain::id::{OrganizationId, TeamId, TokenId, UserId};
use handoff_domain::organization::{DiscordUserId, Organization, Team, User, UserEmail};
use handoff_domain::port::store::StoreResult;
use handoff_domain::text::EmailAddress;
use handoff_domain::token::ApiToken;

pub(crate) fn organization(row: organizations::Model) -> StoreResult<Organization> {
    Ok(Organization {
        id: OrganizationId::new(row.id),
        slug: slug(&row.slug)?,
        name: name(&row.name)?,
        issue_sync: row.issue_sync,
        created_at: at(row.created_at),
    })
}

pub(crate) fn user(row: users::Model) -> StoreResult<User> {
    Ok(User {
        id: UserId::new(row.id),
        name: name(&row.name)?,
        active: row.active,
        discord: row.discord.map(|id| discord(DiscordUserId::new, id)).transpose()?,
        created_at: at(row.created_at),
    })
}

pub(crate) fn user_email(row: &user_emails::Model) -> StoreResult<UserEmail> {
    Ok(UserEmail {
        user: UserId::new(row.user_id),
        address: EmailAddress::parse(&row.address).map_err(|_| damaged("address"))?,
        verified: row.verified,
    })
}

pub(crate) fn team(row: teams::Model) -> StoreResult<Team> {
    Ok(Team {
        id: TeamId::new(row.id),
        organization: OrganizationId::new(row.organization_id),
        slug: slug(&row.slug)?,
        name: name(&row.name)?,
        created_at: at(row.created_at),
    })
}

pub(crate) fn api_token(row: api_tokens::Model) -> StoreResult<ApiToken> {
    Ok(ApiToken {
        id: TokenId::from_uuid(row.id),
        name: name(&row.name)?,
        organization: row.organization_id.map(OrganizationId::new),
        digest: row.digest,
        created_at: at(row.created_at),
        expires_at: row.expires_at.map(at),
        revoked_at: row.revoked_at.map(at),
    })
}
