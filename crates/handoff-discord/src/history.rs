//! Looks for a message of ours in a channel's history.

use crate::marker;
use crate::wire::PastMessage;
use handoff_domain::time::Timestamp;
use serde_json::Value;
use std::time::Duration;
use twilight_model::id::Id;
use twilight_model::id::marker::UserMarker;

/// How many pages of a hundred messages are read. The message that is looked for came within moments of
/// the time that is given, and so stands on the first pages if anywhere.
pub(crate) const MAX_PAGES: usize = 10;
/// How much earlier than asked the search begins: our clock and Discord's may differ.
const MARGIN: Duration = Duration::from_secs(30);
/// The first moment of Discord's snowflakes, in milliseconds since the Unix epoch (documentation,
/// reference, Snowflakes): 2015-01-01.
const EPOCH_MS: i64 = 1_420_070_400_000;
/// The bits of a snowflake below its time.
const TIME_SHIFT: u32 = 22;

/// The snowflake after which messages from `since` on are found.
pub(crate) fn begin(since: Timestamp) -> u64 {
    let ms = since.minus(MARGIN).as_micros().div_euclid(1000).saturating_sub(EPOCH_MS);
    let ms = u64::try_from(ms).unwrap_or(0).min(u64::MAX >> (TIME_SHIFT + 1));
    ms << TIME_SHIFT
}

/// A message that is looked for.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    author: Id<UserMarker>,
    nonce: &'a str,
    marker: String,
}

impl<'a> Wanted<'a> {
    /// The message that `author` made under `nonce`.
    pub(crate) fn new(author: Id<UserMarker>, nonce: &'a str) -> Self {
        Self { author, nonce, marker: marker::of(nonce) }
    }

    /// Whether this is it: by the nonce where it is shown, else by the reference that we wrote.
    pub(crate) fn is(&self, message: &PastMessage) -> bool {
        if message.author.id != self.author {
            return false;
        }
        match &message.nonce {
            Some(Value::String(nonce)) => nonce == self.nonce,
            Some(Value::Number(nonce)) => nonce.to_string() == self.nonce,
            _ => self.is_marked(message),
        }
    }

    fn is_marked(&self, message: &PastMessage) -> bool {
        let footers = message.embeds.iter().filter_map(|embed| embed.footer.as_ref());
        marker::is_in_content(&message.content, &self.marker)
            || footers.into_iter().any(|footer| marker::is_in_footer(&footer.text, &self.marker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_search_begins_a_moment_before_the_time_asked_for() {
        // 2016-04-30T11:18:25.796Z is the time of the documentation's example, 175928847299117063.
        let example = Timestamp::from_micros(1_462_015_105_796_000);
        let first = begin(example.plus(MARGIN));
        assert_eq!(first, 175_928_847_299_117_063 >> TIME_SHIFT << TIME_SHIFT);
        assert_eq!(begin(Timestamp::from_seconds(0)), 0);
    }

    #[test]
    fn a_message_is_known_by_author_and_nonce_or_reference() {
        let marker = marker::of("n-1");
        let by_footer = json!([{"footer": {"text": marker::footer("BACKEND-42", &marker)}}]);
        let cases = [
            (json!({"id": "5", "author": {"id": "2"}, "nonce": "n-1"}), true),
            (json!({"id": "5", "author": {"id": "3"}, "nonce": "n-1"}), false),
            (json!({"id": "5", "author": {"id": "2"}, "nonce": "n-2", "embeds": by_footer}), false),
            (json!({"id": "5", "author": {"id": "2"}, "embeds": by_footer}), true),
            (json!({"id": "5", "author": {"id": "2"}, "nonce": null, "content": marker::content("x", &marker)}), true),
            (json!({"id": "5", "author": {"id": "3"}, "embeds": by_footer}), false),
            (json!({"id": "5", "author": {"id": "2"}, "content": marker}), false),
            (json!({"id": "5", "author": {"id": "2"}, "embeds": [{}]}), false),
        ];
        let wanted = Wanted::new(Id::new(2), "n-1");
        for (message, expected) in cases {
            let parsed: PastMessage = serde_json::from_value(message.clone()).unwrap();
            assert_eq!(wanted.is(&parsed), expected, "{message}");
        }
        let numbered = serde_json::from_value(json!({"id": "5", "author": {"id": "2"}, "nonce": 17})).unwrap();
        assert!(Wanted::new(Id::new(2), "17").is(&numbered));
    }
}
