//! Our own address, as others see it.

use async_trait::async_trait;

/// What answered at an address that should be ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAnswer {
    /// The HTTP status.
    pub status: u16,
    /// What the answer says it was made by (`Server`); empty where it says nothing.
    pub server: String,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

/// Asks ourselves from outside.
#[async_trait]
pub trait PublicAddress: Send + Sync {
    /// Gets an address below `public_url`, without following redirects; bounded in time and size.
    ///
    /// # Errors
    /// For people: why nothing answered.
    async fn fetch(&self, url: &str) -> Result<OwnAnswer, String>;
}
