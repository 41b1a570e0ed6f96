//! Codes that are typed in Discord: each good once, for a short time, for one purpose. Only a digest is
//! stored.

use crate::id::{OrganizationId, UserId};
use crate::port::Entropy;
use crate::secret::Secret;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// How long a code is good.
pub const CODE_LIFETIME: Duration = Duration::from_secs(600);

/// Letters and digits that are not mistaken for one another (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Symbols of a code, five bits each: 100 random bits.
const SYMBOLS: usize = 20;
/// Symbols between two dashes.
const GROUPED: usize = 5;

/// What a code is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodePurpose {
    /// Links the account that types it with this user.
    Link {
        /// The user.
        user: UserId,
    },
    /// Gives the guild that it is typed in to the organization.
    Claim,
}

impl CodePurpose {
    /// The word that is stored.
    #[must_use]
    pub const fn kind(self) -> CodeKind {
        match self {
            Self::Link { .. } => CodeKind::Link,
            Self::Claim => CodeKind::Claim,
        }
    }

    /// The user whom it is for.
    #[must_use]
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::Link { user } => Some(user),
            Self::Claim => None,
        }
    }
}

crate::group::words!(
    /// The kinds of codes. One of a kind is no good for another.
    CodeKind {
        /// Links an account.
        Link => "link",
        /// Claims a guild.
        Claim => "claim",
    }
);

/// A code as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessCode {
    /// SHA-256 of the code: 32 bytes.
    pub digest: Vec<u8>,
    /// Who made it.
    pub organization: OrganizationId,
    /// What it is good for.
    pub purpose: CodePurpose,
    /// When it stops being good.
    pub expires_at: Timestamp,
}

impl AccessCode {
    /// A new code, and the text that is shown once.
    #[must_use]
    pub fn generate(
        organization: OrganizationId,
        purpose: CodePurpose,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> (Self, Secret) {
        let mut random = [0_u8; SYMBOLS];
        entropy.fill(&mut random);
        let mut text = String::new();
        for (position, byte) in random.iter().enumerate() {
            if position > 0 && position % GROUPED == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(byte % 32)]));
        }
        let digest = digest_of(&text);
        (Self { digest, organization, purpose, expires_at: now.plus(CODE_LIFETIME) }, Secret::new(text))
    }

    /// Whether it is good at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at > now
    }
}

/// The digest under which a code is stored, however it was typed: dashes, spaces and case do not matter, and
/// letters that look like digits are those. A code has 100 random bits and lives for minutes, so that no slower
/// digest is needed.
#[must_use]
pub fn digest_of(typed: &str) -> Vec<u8> {
    let symbols = typed.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    });
    let symbols: String = symbols.take(SYMBOLS + 1).collect();
    Sha256::digest(symbols.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SequentialEntropy;

    #[test]
    fn a_code_is_recognised_however_it_is_typed() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let purpose = CodePurpose::Link { user: UserId::new(1) };
        let (code, text) = AccessCode::generate(OrganizationId::new(1), purpose, now, &SequentialEntropy::default());
        let text = text.expose();
        assert_eq!(text.len(), 23);
        assert_eq!(text.matches('-').count(), 3);
        for typed in [
            text.to_owned(),
            text.to_lowercase(),
            text.replace('-', ""),
            format!("  {} ", text.replace('-', " ")),
            text.replace('0', "o").replace('1', "l"),
        ] {
            assert_eq!(digest_of(&typed), code.digest, "{typed}");
        }
        for wrong in ["", "-----", &text[1..], &format!("{text}0")] {
            assert_ne!(digest_of(wrong), code.digest, "{wrong}");
        }
        assert!(code.is_live(now) && !code.is_live(now.plus(CODE_LIFETIME)));
    }
}
