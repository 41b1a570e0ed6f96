//! Discord, inward: what its interactions endpoint is sent.

use super::tracker::InboundHeaders;
use crate::interaction::{Interaction, Reply};

/// What was received, its signature right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// Discord asks whether we are there.
    Ping,
    /// Somebody did something.
    Interaction(Interaction),
}

/// Why nothing of a request is acted on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InboundRefusal {
    /// The signature is missing or wrong.
    #[error("the signature is missing or wrong")]
    Unauthorized,
    /// Signed, but not an interaction: a part without which there is none is absent or of another form.
    #[error("{0}")]
    Malformed(String),
}

/// Verifies and decodes interactions, and encodes what they are answered.
pub trait ChatInbound: Send + Sync {
    /// Whether the headers hold what has the form of a signature. Where they do not, there is no need to take
    /// the body in: nobody has to be known for this answer.
    fn may_be_signed(&self, headers: &InboundHeaders) -> bool;

    /// Checks the signature over the raw body before anything of it is read, and then reads it. What we do
    /// not know is no error: it decodes as [`Asked::NotUnderstood`](crate::interaction::Asked).
    ///
    /// # Errors
    /// [`InboundRefusal`].
    fn receive(&self, headers: &InboundHeaders, body: &[u8]) -> Result<Received, InboundRefusal>;

    /// The JSON of an answer. Untrusted text is encoded for where it is shown.
    fn encode(&self, reply: &Reply) -> Vec<u8>;
}
