//! Azure DevOps: REST client, payloads and identities.
//!
//! Two ports of handoff-domain are implemented here: [`AzureDevOps`] asks (`WorkItemTracker`), and
//! [`AzureInbound`] verifies and decodes what service hooks bring (`TrackerInbound`).
//!
//! Where things are: what they send us in `wire`, read tolerantly by `json` and made into snapshots by
//! `snapshot`; the calls in `client`, `subscription`, `write` and `directory`, what each needs in `operation`; sending and the classes of
//! answers in `http`, how fast in `pace`, and where to in `address`.

mod address;
mod client;
mod directory;
mod http;
mod inbound;
mod json;
mod operation;
mod pace;
mod snapshot;
mod subscription;
mod wire;
mod write;

#[cfg(test)]
mod tests;

pub use address::AddressPolicy;
pub use client::{AzureDevOps, AzureSettings};
pub use http::SetupError;
pub use inbound::{AzureInbound, HOOK_USER};
