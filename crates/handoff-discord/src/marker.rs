//! How a message of ours is found again when the answer to creating it was lost.
//!
//! Discord does not promise to show a message's nonce to those who read it later. So a new message also
//! carries a short reference made from the nonce: at the end of a card's footer, and as a line of small
//! print below a ping. It is only eight letters, means nothing to anyone else, and an edit of the card
//! takes it away again. Forty bits are plenty: it is looked for among the bot's own messages of a few
//! minutes in one channel.

/// The letters of a reference: no vowels that make words, nothing that is mistaken for another.
const ALPHABET: &[u8; 32] = b"0123456789bcdfghjkmnpqrstvwxyzae";
const LENGTH: u32 = 8;
const BITS_PER_LETTER: u32 = 5;

/// The reference of a nonce, such as `ref 4k2m0xq9`. The same on every replica.
pub(crate) fn of(nonce: &str) -> String {
    let hash = nonce
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    // FNV-1a leaves its last input in the low bits; the fold brings the high ones in.
    let hash = hash ^ (hash >> 29);
    let letters = (0..LENGTH).map(|index| {
        let letter = usize::try_from((hash >> (index * BITS_PER_LETTER)) & 31).unwrap_or_default();
        char::from(ALPHABET[letter])
    });
    format!("ref {}", letters.collect::<String>())
}

/// A footer that ends in a reference.
pub(crate) fn footer(text: &str, marker: &str) -> String {
    format!("{text} · {marker}")
}

/// Whether a footer ends in this reference.
pub(crate) fn is_in_footer(footer: &str, marker: &str) -> bool {
    footer.strip_suffix(marker).is_some_and(|rest| rest.ends_with(" · "))
}

/// A content with a reference in small print below.
pub(crate) fn content(text: &str, marker: &str) -> String {
    format!("{text}\n-# {marker}")
}

/// Whether a content ends in this reference.
pub(crate) fn is_in_content(content: &str, marker: &str) -> bool {
    content.strip_suffix(marker).is_some_and(|rest| rest.ends_with("\n-# "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_nonce_has_one_reference_and_others_have_others() {
        assert_eq!(of("n-1"), of("n-1"));
        let all: HashSet<String> = (0..10_000).map(|n| of(&format!("{n:024x}"))).collect();
        assert_eq!(all.len(), 10_000);
        assert!(all.iter().all(|marker| marker.len() == "ref ".len() + 8));
    }

    #[test]
    fn a_reference_is_found_where_it_was_put_and_nowhere_else() {
        let marker = of("n-1");
        assert!(is_in_footer(&footer("BACKEND-42", &marker), &marker));
        assert!(is_in_content(&content("hello", &marker), &marker));
        assert!(!is_in_footer(&footer("BACKEND-42", &of("n-2")), &marker));
        assert!(!is_in_content(&format!("hello {marker}"), &marker));
        assert!(!is_in_content(&format!("{} more", content("hello", &marker)), &marker));
    }
}
