//! An address that is ours: it answers as we would.

use crate::port::{Entropy, OwnAnswer, PublicAddress, SecretBox};
use crate::service::prove_public_url::{PATH, ProvePublicUrl};
use async_trait::async_trait;
use std::sync::Arc;

/// Answers proofs with these secrets.
pub struct EchoAddress {
    /// Ours.
    pub secrets: Arc<dyn SecretBox>,
}

/// Answering needs no randomness.
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

#[async_trait]
impl PublicAddress for EchoAddress {
    async fn fetch(&self, url: &str) -> Result<OwnAnswer, String> {
        let (_, word) = url.split_once(PATH).ok_or("no proof is asked for")?;
        let proving = ProvePublicUrl {
            address: Arc::new(Self { secrets: self.secrets.clone() }),
            secrets: self.secrets.clone(),
            entropy: Arc::new(NoEntropy),
            public_url: Some(String::new()),
        };
        let answer = proving.answer(word).map_err(|error| error.to_string())?.ok_or("not a word of ours")?;
        Ok(OwnAnswer { status: 200, server: String::new(), body: answer.into_bytes() })
    }
}
