//! Seals secrets for storage: XChaCha20-Poly1305, the key's id and the row's context authenticated.
//!
//! A sealed secret is: format (1 byte, 1) ‖ key id (4 bytes) ‖ nonce (24 bytes) ‖ ciphertext and tag.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use handoff_domain::port::{Entropy, SecretBox, SecretBoxError};
use handoff_domain::secret::{Sealed, Secret};
use std::sync::Arc;

const FORMAT: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;
const HEADER: usize = 1 + KEY_ID + NONCE;

/// A key of 256 bits with the id by which sealed secrets name it.
#[derive(Clone)]
pub struct SealingKey {
    /// Its id.
    pub id: [u8; KEY_ID],
    /// The key itself.
    pub key: [u8; 32],
}

/// Seals with the first key; opens with any.
pub struct XChaChaSecretBox {
    keys: Vec<SealingKey>,
    entropy: Arc<dyn Entropy>,
}

impl XChaChaSecretBox {
    /// Seals with `current`; opens what was sealed with it or with one of `former`.
    #[must_use]
    pub fn new(current: SealingKey, former: Vec<SealingKey>, entropy: Arc<dyn Entropy>) -> Self {
        let mut keys = vec![current];
        keys.extend(former);
        Self { keys, entropy }
    }

    fn cipher(&self, id: &[u8]) -> Option<XChaCha20Poly1305> {
        let key = self.keys.iter().find(|key| key.id == id)?;
        Some(XChaCha20Poly1305::new(&Key::from(key.key)))
    }
}

/// What is authenticated beside the ciphertext: the header without the nonce, and the row.
fn associated(key_id: &[u8], context: &[u8]) -> Vec<u8> {
    let mut data = vec![FORMAT];
    data.extend_from_slice(key_id);
    data.extend_from_slice(context);
    data
}

impl SecretBox for XChaChaSecretBox {
    fn seal(&self, secret: &Secret, context: &[u8]) -> Result<Sealed, SecretBoxError> {
        let id = self.keys.first().ok_or(SecretBoxError::UnknownKey)?.id;
        let cipher = self.cipher(&id).ok_or(SecretBoxError::UnknownKey)?;
        let mut nonce = [0_u8; NONCE];
        self.entropy.fill(&mut nonce);
        let payload = Payload { msg: secret.expose().as_bytes(), aad: &associated(&id, context) };
        let ciphertext = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SecretBoxError::Invalid)?;
        let mut sealed = Vec::with_capacity(HEADER + ciphertext.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(Sealed(sealed))
    }

    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Secret, SecretBoxError> {
        let (header, ciphertext) = sealed.0.split_at_checked(HEADER).ok_or(SecretBoxError::Invalid)?;
        if header[0] != FORMAT {
            return Err(SecretBoxError::Invalid);
        }
        let (id, nonce) = header[1..].split_at(KEY_ID);
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| SecretBoxError::Invalid)?;
        let cipher = self.cipher(id).ok_or(SecretBoxError::UnknownKey)?;
        let payload = Payload { msg: ciphertext, aad: &associated(id, context) };
        let plain = cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| SecretBoxError::Invalid)?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| SecretBoxError::Invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SystemEntropy;

    fn key(n: u8) -> SealingKey {
        SealingKey { id: [n; 4], key: [n; 32] }
    }

    fn sealing_with(current: u8, former: &[u8]) -> XChaChaSecretBox {
        XChaChaSecretBox::new(key(current), former.iter().map(|n| key(*n)).collect(), Arc::new(SystemEntropy))
    }

    #[test]
    fn what_was_sealed_opens_for_its_own_row_only() {
        let secrets = sealing_with(1, &[]);
        let sealed = secrets.seal(&Secret::new("s3cret"), b"row 1").unwrap();
        assert_eq!(secrets.open(&sealed, b"row 1"), Ok(Secret::new("s3cret")));
        assert_eq!(secrets.open(&sealed, b"row 2"), Err(SecretBoxError::Invalid));
    }

    #[test]
    fn a_former_key_still_opens_and_an_unknown_one_is_named_so() {
        let sealed = sealing_with(1, &[]).seal(&Secret::new("s"), b"").unwrap();
        assert_eq!(sealing_with(2, &[1]).open(&sealed, b""), Ok(Secret::new("s")));
        assert_eq!(sealing_with(2, &[]).open(&sealed, b""), Err(SecretBoxError::UnknownKey));
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_refused() {
        let secrets = sealing_with(1, &[]);
        let sealed = secrets.seal(&Secret::new("s"), b"").unwrap();
        for at in 0..sealed.0.len() {
            let mut changed = sealed.clone();
            changed.0[at] ^= 1;
            assert!(secrets.open(&changed, b"").is_err(), "byte {at}");
            assert!(secrets.open(&Sealed(sealed.0[..at].to_vec()), b"").is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_same_secret_is_sealed_differently_each_time() {
        let secrets = sealing_with(1, &[]);
        let seal = || secrets.seal(&Secret::new("s"), b"").unwrap();
        assert_ne!(seal(), seal());
    }
}
