//! A ping: a short message that mentions a new assignee, who is notified by it.

use crate::{encode, marker};
use handoff_domain::chat::Ping;

// Lengths in UTF-16 units of the encoded text; together far below the 2000 of a message's content.
const MAX_SHORT_ID: usize = 100;
const MAX_TITLE: usize = 500;

/// The content of a ping. The one mention in it is the assignee's. `marker` is the reference by which a
/// new message is found again.
pub(crate) fn content(ping: &Ping, marker: Option<&str>) -> String {
    let short_id = encode::markdown(&ping.short_id, MAX_SHORT_ID);
    let title = ping.title.as_deref().map(|title| encode::markdown(title, MAX_TITLE)).unwrap_or_default();
    let mut text = format!("<@{}> **{short_id}** is assigned to you now", ping.user);
    if !title.is_empty() {
        text = format!("{text}: {title}");
    }
    match marker {
        Some(marker) => marker::content(&text, marker),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handoff_domain::organization::DiscordUserId;

    fn ping(title: Option<&str>) -> Ping {
        Ping {
            user: DiscordUserId::new(7).unwrap(),
            short_id: "BACKEND-42".to_owned(),
            title: title.map(str::to_owned),
            card: None,
        }
    }

    #[test]
    fn a_ping_mentions_the_assignee_and_nobody_else() {
        let cases = [
            (None, None, "<@7> **BACKEND-42** is assigned to you now"),
            (Some("Log in"), None, "<@7> **BACKEND-42** is assigned to you now: Log in"),
            (
                Some("<@8> @everyone"),
                None,
                "<@7> **BACKEND-42** is assigned to you now: \\<\\@8\\> \\@\u{200b}everyone",
            ),
            (None, Some("ref 12345678"), "<@7> **BACKEND-42** is assigned to you now\n-# ref 12345678"),
        ];
        for (title, marker, expected) in cases {
            assert_eq!(content(&ping(title), marker), expected);
        }
    }

    #[test]
    fn the_longest_ping_is_within_the_limit() {
        let long = "*".repeat(5000);
        let ping = Ping { short_id: long.clone(), ..ping(Some(&long)) };
        assert!(encode::units(&content(&ping, Some("ref 12345678"))) < 2000);
    }
}
