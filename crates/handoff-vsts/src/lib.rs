//! Azure DevOps: REST client, payloads and identities.
