//! Time, randomness, sealing and wake-ups: everything ambient, made explicit.

use crate::secret::{Sealed, Secret};
use crate::time::Timestamp;
use async_trait::async_trait;
use std::time::Duration;

/// The time, and waiting for it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Waits. Tests wait by moving their clock.
    async fn sleep(&self, duration: Duration);
}

/// Randomness of cryptographic quality.
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// Why a secret could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretBoxError {
    /// Sealed with a key that is not configured.
    #[error("sealed with a key that is not configured")]
    UnknownKey,
    /// Damaged, or sealed for another context.
    #[error("damaged, or sealed for another context")]
    Invalid,
}

/// Encrypts secrets for storage. `context` binds a sealed secret to its row: opening it for another
/// row fails.
pub trait SecretBox: Send + Sync {
    /// Encrypts.
    ///
    /// # Errors
    /// [`SecretBoxError`] when the key cannot be used.
    fn seal(&self, secret: &Secret, context: &[u8]) -> Result<Sealed, SecretBoxError>;
    /// Decrypts.
    ///
    /// # Errors
    /// [`SecretBoxError`] when the key is unknown, or the bytes were changed or moved.
    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Secret, SecretBoxError>;
}

/// Tells waiting workers that there is work. Losing one costs latency, never work: they poll as well.
pub trait Wake: Send + Sync {
    /// A delivery is pending.
    fn inbox(&self);
    /// A row of the outbox is due.
    fn outbox(&self);
    /// A project waits to be deleted.
    fn purge(&self);
}
