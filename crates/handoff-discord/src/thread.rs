//! What is said in the thread of a card, and what the thread is called.

use crate::card::assignee;
use crate::{encode, marker};
use handoff_domain::chat::{ThreadChange, ThreadPost};
use handoff_domain::group::GroupStatus;

/// The longest name of a thread (documentation, Start Thread from Message).
const MAX_NAME: usize = 100;
/// Of the short id in it.
const MAX_SHORT_ID: usize = 40;

/// The name of a card's thread: one line, which Discord shows as it is.
pub(crate) fn name(post: &ThreadPost) -> String {
    let short_id = encode::plain(&post.short_id, MAX_SHORT_ID);
    let room = MAX_NAME.saturating_sub(encode::units(&short_id) + 3);
    match post.title.as_deref().map(|title| encode::plain(title, room)) {
        Some(title) if !title.is_empty() => format!("{short_id} · {title}"),
        _ if short_id.is_empty() => "Issue".to_owned(),
        _ => short_id,
    }
}

/// The content of a post. The one mention that notifies is `mention`'s.
pub(crate) fn content(post: &ThreadPost, marker: Option<&str>) -> String {
    let text = match &post.change {
        ThreadChange::Assignee(who) => format!("Assignee: {}", assignee(who)),
        ThreadChange::Status(status) => format!("Status: {}", status_word(*status)),
        ThreadChange::Linked(number) => format!("Linked with work item #{number}"),
        ThreadChange::Unlinked(number) => format!("No longer linked with work item #{number}"),
    };
    let text = match post.mention {
        Some(user) if !text.contains(&format!("<@{user}>")) => format!("{text} · <@{user}>"),
        _ => text,
    };
    match marker {
        Some(marker) => marker::content(&text, marker),
        None => text,
    }
}

const fn status_word(status: GroupStatus) -> &'static str {
    match status {
        GroupStatus::Unresolved => "Unresolved",
        GroupStatus::Resolved => "Resolved",
        GroupStatus::Archived => "Archived",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handoff_domain::chat::CardAssignee;
    use handoff_domain::id::WorkItemNumber;
    use handoff_domain::organization::{DiscordUserId, MessageId};

    fn post(title: Option<&str>, change: ThreadChange) -> ThreadPost {
        ThreadPost {
            card: MessageId::new(9).unwrap(),
            short_id: "SHOP-1".to_owned(),
            title: title.map(str::to_owned),
            change,
            mention: None,
        }
    }

    #[test]
    fn a_thread_is_named_after_its_group_whatever_its_title_holds() {
        let named = |title| name(&post(title, ThreadChange::Status(GroupStatus::Resolved)));
        assert_eq!(named(None), "SHOP-1");
        assert_eq!(named(Some("It breaks")), "SHOP-1 · It breaks");
        for title in ["\u{202e}\u{0}\n\t", "**@everyone** <@1> [a](https://b)", &"😀".repeat(500), &"x".repeat(500)] {
            let name = named(Some(title));
            assert!(name.starts_with("SHOP-1") && encode::units(&name) <= 100, "{name:?}");
            assert!(!name.chars().any(char::is_control) && !name.contains('\u{202e}'), "{name:?}");
        }
    }

    #[test]
    fn a_post_says_what_happened_and_mentions_whom_it_must() {
        let user = |name: &str, discord| CardAssignee::User { name: Some(name.to_owned()), discord };
        let number = WorkItemNumber::new(7);
        for (change, expected) in [
            (ThreadChange::Assignee(CardAssignee::Nobody), "Assignee: Nobody"),
            (ThreadChange::Assignee(user("<@8> @here", None)), "Assignee: \\<\\@8\\> \\@\u{200b}here"),
            (ThreadChange::Status(GroupStatus::Archived), "Status: Archived"),
            (ThreadChange::Linked(number), "Linked with work item #7"),
            (ThreadChange::Unlinked(number), "No longer linked with work item #7"),
        ] {
            assert_eq!(content(&post(None, change), None), expected);
        }
        let ada = DiscordUserId::new(5);
        let to_ada = ThreadPost { mention: ada, ..post(None, ThreadChange::Assignee(user("Ada", ada))) };
        assert_eq!(content(&to_ada, None), "Assignee: Ada · <@5>");
        assert_eq!(content(&to_ada, Some("ref 12345678")), "Assignee: Ada · <@5>\n-# ref 12345678");
    }
}
