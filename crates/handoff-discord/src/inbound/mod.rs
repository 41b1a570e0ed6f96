//! The port [`ChatInbound`]: verifies what Discord sends to the interactions endpoint, and decodes it.
//!
//! Promises: nothing of a body is read before its signature was right; the question whether we are there is
//! answered by its type alone; whatever else is signed decodes or is refused, and never fails in another way.
//! The structs are our own and take what they can: Discord adds fields and kinds without notice.

mod decode;
mod wire;

use crate::reply;
use ed25519_dalek::{Signature, VerifyingKey};
use handoff_domain::interaction::{Interaction, Reply};
use handoff_domain::organization::ApplicationId;
use handoff_domain::port::{ChatInbound, InboundHeaders, InboundRefusal, Received};

const SIGNATURE_HEADER: &str = "x-signature-ed25519";
const TIMESTAMP_HEADER: &str = "x-signature-timestamp";

/// Why a public key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a public key: 64 hexadecimal digits, as the developer portal shows them")]
pub struct PublicKeyError;

/// Hears one application's interactions.
#[derive(Debug, Clone)]
pub struct DiscordInbound {
    key: VerifyingKey,
    application: ApplicationId,
}

impl DiscordInbound {
    /// With the application's public key, in hexadecimal digits, and its id.
    ///
    /// # Errors
    /// [`PublicKeyError`] when it is none.
    pub fn new(public_key: &str, application: ApplicationId) -> Result<Self, PublicKeyError> {
        let bytes = from_hex::<32>(public_key.as_bytes()).ok_or(PublicKeyError)?;
        let key = VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak());
        Ok(Self { key: key.ok_or(PublicKeyError)?, application })
    }

    /// Whether the application signed this timestamp and this body, in this order.
    fn is_signed(&self, headers: &InboundHeaders, body: &[u8]) -> bool {
        let Some((signature, timestamp)) = signature_in(headers) else { return false };
        let signed = [timestamp, body].concat();
        self.key.verify_strict(&signed, &Signature::from_bytes(&signature)).is_ok()
    }

    fn read(&self, body: &[u8]) -> Result<Received, InboundRefusal> {
        let kind = wire::kind_of(body).ok_or_else(|| malformed("it has no type"))?;
        if kind == wire::PING {
            return Ok(Received::Ping);
        }
        let sent: wire::Sent = serde_json::from_slice(body).map_err(|error| malformed(&in_words(&error)))?;
        if sent.application_id.is_some_and(|application| application != self.application) {
            return Err(malformed("it is for another application"));
        }
        let account = sent.account().ok_or_else(|| malformed("it does not say who did it"))?;
        let asked = decode::asked(kind, &sent);
        Ok(Received::Interaction(Interaction { id: sent.id, account, place: sent.place(), asked }))
    }
}

impl ChatInbound for DiscordInbound {
    fn may_be_signed(&self, headers: &InboundHeaders) -> bool {
        signature_in(headers).is_some()
    }

    fn receive(&self, headers: &InboundHeaders, body: &[u8]) -> Result<Received, InboundRefusal> {
        if self.is_signed(headers, body) { self.read(body) } else { Err(InboundRefusal::Unauthorized) }
    }

    fn encode(&self, reply: &Reply) -> Vec<u8> {
        reply::json(reply).to_string().into_bytes()
    }
}

/// What has the form of a signature, and the timestamp that is signed with the body.
fn signature_in(headers: &InboundHeaders) -> Option<([u8; 64], &[u8])> {
    Some((headers.get(SIGNATURE_HEADER).and_then(from_hex::<64>)?, headers.get(TIMESTAMP_HEADER)?))
}

fn malformed(why: &str) -> InboundRefusal {
    InboundRefusal::Malformed(format!("this is no interaction: {why}"))
}

/// Where a body is wrong, without anything of what it holds.
fn in_words(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => format!("a field at column {} is of another form", error.column()),
        _ => "it is not JSON".to_owned(),
    }
}

/// Exactly `N` bytes from twice as many hexadecimal digits.
fn from_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0_u8; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}
