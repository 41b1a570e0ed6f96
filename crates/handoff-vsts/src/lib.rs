//! Azure DevOps: REST client, payloads and identities.
//!
//! Two ports of handoff-domain are implemented here: [`AzureDevOps`] asks (`WorkItemTracker`), and
//! [`AzureInbound`] verifies and decodes what service hooks bring (`TrackerInbound`).
//!
//! Where things are: what they send us in `wire`, read tolerantly by `json` and made into snapshots by
//! `snapshot`; the calls in `client`, `subscription`, `people`, `write` and `directory`, what each needs in
//! `operation`; sending and the classes of answers in `http`, how fast in `pace`, as whom in `entra`, and where to in
//! `address`.

mod address;
mod client;
mod directory;
mod entra;
mod http;
mod inbound;
mod json;
mod operation;
mod own_address;
mod pace;
mod people;
mod snapshot;
mod subscription;
mod wiql;
mod wire;
mod write;

#[cfg(test)]
mod tests;

pub use address::AddressPolicy;
pub use client::{AzureDevOps, AzureSettings};
pub use entra::PUBLIC_CLOUD;
pub use http::SetupError;
pub use inbound::{AzureInbound, HOOK_USER};
pub use own_address::OwnAddress;
