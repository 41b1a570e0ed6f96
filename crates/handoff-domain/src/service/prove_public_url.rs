//! Prove Public Url: before Azure DevOps is given our address, we ask at it whether it is ours. A random word is
//! sent there, and must come back sealed with our key: so any of our replicas may answer, and nobody else can.

use super::error::UseCaseError;
use crate::port::{Entropy, OwnAnswer, PublicAddress, SecretBox};
use crate::secret::{Sealed, Secret};
use crate::text::tamed;
use std::sync::Arc;

/// Binds a sealed word to this use, so that it opens as nothing else.
const CONTEXT: &[u8] = b"the proof of public_url";
/// The path of the proof, below `public_url`.
pub const PATH: &str = "/webhooks/proof/";
/// The length of the word, in hexadecimal digits.
const WORD: usize = 32;
/// Longest beginning of a foreign answer that is shown, in characters.
const SHOWN: usize = 80;

/// Proves that `public_url` is ours.
#[derive(Clone)]
pub struct ProvePublicUrl {
    /// Asks there.
    pub address: Arc<dyn PublicAddress>,
    /// Seals and opens.
    pub secrets: Arc<dyn SecretBox>,
    /// For the word.
    pub entropy: Arc<dyn Entropy>,
    /// Where others reach us, without a slash at the end; without one there is nothing to prove, and no hooks
    /// are made.
    pub public_url: Option<String>,
}

impl ProvePublicUrl {
    /// What we answer to a word; `None` when it is none of ours.
    ///
    /// # Errors
    /// [`UseCaseError::Secret`] when nothing can be sealed.
    pub fn answer(&self, word: &str) -> Result<Option<String>, UseCaseError> {
        if word.len() != WORD || !word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let sealed = self.secrets.seal(&Secret::new(word), CONTEXT)?;
        Ok(Some(hexadecimal(&sealed.0)))
    }

    /// Asks at our own address.
    ///
    /// # Errors
    /// [`UseCaseError::Refused`] with what answered instead of us, or why nothing did.
    pub async fn prove(&self) -> Result<(), UseCaseError> {
        let Some(url) = &self.public_url else { return Ok(()) };
        let mut random = [0_u8; WORD / 2];
        self.entropy.fill(&mut random);
        let word = hexadecimal(&random);
        let said = match self.address.fetch(&format!("{url}{PATH}{word}")).await {
            Ok(answer) if self.is_ours(&answer, &word) => return Ok(()),
            Ok(answer) => format!("something else answers there: {}", shown(&answer)),
            Err(why) => format!("nothing answers there: {why}"),
        };
        Err(UseCaseError::Refused(format!(
            "Azure DevOps could not reach us at public_url, {url}: {said}. Nothing was asked of Azure DevOps; check \
             the setting public_url, and that whatever is in front of us passes /webhooks/ on"
        )))
    }

    fn is_ours(&self, answer: &OwnAnswer, word: &str) -> bool {
        let sealed = std::str::from_utf8(&answer.body).ok().and_then(|text| bytes_of(text.trim()));
        let opened = sealed.and_then(|sealed| self.secrets.open(&Sealed(sealed), CONTEXT).ok());
        answer.status == 200 && opened.is_some_and(|opened| opened.expose() == word)
    }
}

fn shown(answer: &OwnAnswer) -> String {
    let server = tamed(&answer.server, SHOWN);
    let server = if server.is_empty() { String::new() } else { format!(" from {server}") };
    let body = tamed(&String::from_utf8_lossy(&answer.body), SHOWN);
    let body = if body.is_empty() { String::new() } else { format!(", beginning with {body:?}") };
    format!("status {}{server}{body}", answer.status)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let pair = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ContextBox, EchoAddress, SequentialEntropy};
    use async_trait::async_trait;

    /// Answers this, whatever is asked.
    struct Scripted(Result<OwnAnswer, String>);

    #[async_trait]
    impl PublicAddress for Scripted {
        async fn fetch(&self, _: &str) -> Result<OwnAnswer, String> {
            self.0.clone()
        }
    }

    fn proving(address: Arc<dyn PublicAddress>) -> ProvePublicUrl {
        let (secrets, entropy) = (Arc::new(ContextBox), Arc::new(SequentialEntropy::default()));
        ProvePublicUrl { address, secrets, entropy, public_url: Some("https://handoff.example.org".to_owned()) }
    }

    #[tokio::test]
    async fn we_know_ourselves_and_name_whoever_else_answers() {
        assert_eq!(proving(Arc::new(EchoAddress { secrets: Arc::new(ContextBox) })).prove().await, Ok(()));
        let answer = |status, server: &str, body: &[u8]| {
            Ok(OwnAnswer { status, server: server.to_owned(), body: body.to_vec() })
        };
        for (answer, words) in [
            (answer(404, "nginx", b"<html>not here"), "status 404 from nginx, beginning with \"<html>not here\""),
            (answer(200, "", b""), "something else answers there: status 200."),
            (answer(200, "", b"zz"), "status 200"),
            (answer(302, "", b""), "status 302"),
            (Err("no connection".to_owned()), "nothing answers there: no connection"),
        ] {
            let Err(UseCaseError::Refused(said)) = proving(Arc::new(Scripted(answer))).prove().await else {
                panic!("proved")
            };
            assert!(said.contains(words) && said.contains("https://handoff.example.org"), "{said}");
        }
    }

    #[test]
    fn only_a_word_of_ours_is_answered() {
        let proving = proving(Arc::new(Scripted(Err(String::new()))));
        for word in ["", "short", &"g".repeat(WORD), &"a".repeat(WORD + 2)] {
            assert_eq!(proving.answer(word), Ok(None), "{word}");
        }
        assert!(matches!(proving.answer(&"a".repeat(WORD)), Ok(Some(_))));
    }
}
