//! A summary: one short message about many groups, which notifies nobody.

use crate::{encode, marker};
use handoff_domain::chat::Summary;

/// Length of a short id in UTF-16 units; at most [`Summary::MAX_SHOWN`] of them are far below the 2000 of a
/// message's content.
const MAX_SHORT_ID: usize = 60;

/// The content of a summary. `marker` is the reference by which a new message is found again.
pub(crate) fn content(summary: &Summary, marker: Option<&str>) -> String {
    let shown = summary.short_ids.iter().take(Summary::MAX_SHOWN);
    let shown: Vec<String> = shown.map(|id| encode::markdown(id, MAX_SHORT_ID)).collect();
    let what = if summary.groups == 1 { "1 issue changed" } else { &format!("{} issues changed", summary.groups) };
    let mut text = format!("{what}: {}", shown.join(", "));
    let more = summary.groups.saturating_sub(shown.len());
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    match marker {
        Some(marker) => marker::content(&text, marker),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(ids: &[&str], groups: usize) -> Summary {
        Summary { short_ids: ids.iter().map(|id| (*id).to_owned()).collect(), groups }
    }

    #[test]
    fn a_summary_counts_and_names() {
        for (ids, groups, marker, expected) in [
            (&["SHOP-1"][..], 1, None, "1 issue changed: SHOP-1"),
            (&["SHOP-1", "SHOP-2"], 2, None, "2 issues changed: SHOP-1, SHOP-2"),
            (&["SHOP-1", "SHOP-2"], 12, None, "12 issues changed: SHOP-1, SHOP-2 and 10 more"),
            (&["@everyone"], 1, Some("ref 12345678"), "1 issue changed: \\@\u{200b}everyone\n-# ref 12345678"),
        ] {
            assert_eq!(content(&summary(ids, groups), marker), expected);
        }
    }

    #[test]
    fn the_longest_summary_is_within_the_limit() {
        let long = "*<@1>".repeat(1000);
        let text = content(&summary(&vec![long.as_str(); 100], usize::MAX), Some("ref 12345678"));
        assert!(encode::units(&text) < 2000, "{}", encode::units(&text));
    }
}
