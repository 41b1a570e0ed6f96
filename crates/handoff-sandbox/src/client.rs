//! The HTTP client of the simulators and of tests that talk to them: plain HTTP on this machine, no
//! proxy, no redirect followed.

use std::io;
use std::sync::Arc;

use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// A client that trusts no certificate, so that `https` never works by accident.
///
/// # Errors
/// When the TLS library refuses its own defaults.
pub fn plain_client() -> io::Result<Client> {
    // Configured by hand: without it, building depends on a process-wide TLS provider.
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .no_proxy()
        .build()
        .map_err(io::Error::other)
}
