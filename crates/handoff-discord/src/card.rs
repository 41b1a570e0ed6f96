//! A group's card as a Discord embed, within the limits of one.

use crate::{encode, marker};
use handoff_domain::chat::{Card, CardAssignee, CardWorkItem};
use handoff_domain::group::{GroupStatus, Level};
use twilight_model::channel::message::Embed;
use twilight_util::builder::embed::{EmbedBuilder, EmbedFieldBuilder, EmbedFooterBuilder};
use twilight_validate::embed::{FIELD_VALUE_LENGTH, TITLE_LENGTH};

// Lengths in UTF-16 units of the encoded text. Together they stay far below the 6000 that Discord allows
// for all texts of a message's embeds: title 256, three fields of at most 1024 + 16, footer 140.
const MAX_SHORT_ID: usize = 100;
const MAX_NAME: usize = 200;
const MAX_WORK_ITEM_TITLE: usize = 150;
const MAX_STATE: usize = 50;
const MAX_UNMAPPED_NAME: usize = 100;
/// Room for the line `and 18446744073709551615 more`.
const MORE_LENGTH: usize = 30;
/// A card is glanced at: more work items than this are only counted.
const MAX_WORK_ITEMS: usize = 10;
const SEPARATOR: &str = " · ";

/// The embed of a card. `marker` is the reference by which a new message is found again.
pub(crate) fn embed(card: &Card, marker: Option<&str>) -> Embed {
    let mut embed = EmbedBuilder::new()
        .title(title(card))
        .color(color(card))
        .field(EmbedFieldBuilder::new("Assignee", assignee(&card.assignee)).inline())
        .field(EmbedFieldBuilder::new("Status", status(card.status)).inline())
        .footer(EmbedFooterBuilder::new(footer(card, marker)));
    if let Some(work_items) = work_items(&card.work_items) {
        embed = embed.field(EmbedFieldBuilder::new("Work items", work_items));
    }
    if let Some(url) = card.url.as_deref().and_then(encode::link) {
        embed = embed.url(url);
    }
    embed.build()
}

fn title(card: &Card) -> String {
    let short_id = encode::markdown(&card.short_id, MAX_SHORT_ID);
    let room = TITLE_LENGTH - encode::units(&short_id) - encode::units(SEPARATOR);
    match card.title.as_deref().map(|title| encode::markdown(title, room)) {
        Some(title) if !title.is_empty() => format!("{short_id}{SEPARATOR}{title}"),
        _ => short_id,
    }
}

fn footer(card: &Card, marker: Option<&str>) -> String {
    let short_id = encode::plain(&card.short_id, MAX_SHORT_ID);
    match marker {
        Some(marker) => marker::footer(&short_id, marker),
        None => short_id,
    }
}

const fn color(card: &Card) -> u32 {
    match (card.status, card.level) {
        (None, _) => 0x006b_7280,
        (Some(_), Level::Debug) => 0x009a_a0a6,
        (Some(_), Level::Info) => 0x003b_82f6,
        (Some(_), Level::Warning) => 0x00f5_9e0b,
        (Some(_), Level::Error) => 0x00e5_484d,
        (Some(_), Level::Fatal) => 0x008b_0000,
    }
}

const fn status(status: Option<GroupStatus>) -> &'static str {
    match status {
        Some(GroupStatus::Unresolved) => "Unresolved",
        Some(GroupStatus::Resolved) => "Resolved",
        Some(GroupStatus::Archived) => "Archived",
        None => "Closed",
    }
}

/// A mention in an embed shows the person and notifies nobody.
pub(crate) fn assignee(assignee: &CardAssignee) -> String {
    match assignee {
        CardAssignee::Nobody => "Nobody".to_owned(),
        CardAssignee::Team { name } => or_else(encode::markdown(name, MAX_NAME), "A team"),
        CardAssignee::User { name, discord } => {
            let name = name.as_deref().map(|name| encode::markdown(name, MAX_NAME)).filter(|name| !name.is_empty());
            match (name, discord) {
                (Some(name), Some(id)) => format!("{name}{SEPARATOR}<@{id}>"),
                (Some(name), None) => name,
                (None, Some(id)) => format!("<@{id}>"),
                (None, None) => "Somebody".to_owned(),
            }
        }
    }
}

/// One line for each work item, and how many more there are.
fn work_items(items: &[CardWorkItem]) -> Option<String> {
    let mut text = String::new();
    let mut shown = 0;
    for item in items.iter().take(MAX_WORK_ITEMS) {
        let line = work_item(item);
        if encode::units(&text) + encode::units(&line) + MORE_LENGTH > FIELD_VALUE_LENGTH {
            break;
        }
        text.push_str(&line);
        text.push('\n');
        shown += 1;
    }
    if shown < items.len() {
        text.push_str(&format!("and {} more", items.len() - shown));
    }
    (!items.is_empty()).then(|| text.trim_end().to_owned())
}

fn work_item(item: &CardWorkItem) -> String {
    let number = match item.url.as_deref().and_then(encode::link) {
        Some(url) => format!("[#{}]({url})", item.number),
        None => format!("#{}", item.number),
    };
    let title = item.title.as_deref().map(|title| encode::markdown(title, MAX_WORK_ITEM_TITLE));
    let named = match title {
        Some(title) if !title.is_empty() => format!("{number} {title}"),
        _ => number,
    };
    let mut parts = vec![named];
    let state = encode::markdown(&item.state, MAX_STATE);
    if item.deleted {
        parts.push("deleted in Azure DevOps".to_owned());
    } else if !state.is_empty() {
        parts.push(state);
    }
    if let Some(name) = &item.not_mapped {
        let name = or_else(encode::markdown(name, MAX_UNMAPPED_NAME), "somebody");
        parts.push(format!("Azure: {name} (not mapped)"));
    }
    parts.join(SEPARATOR)
}

fn or_else(text: String, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handoff_domain::id::{GroupId, WorkItemNumber};
    use handoff_domain::organization::DiscordUserId;

    fn item(number: i64) -> CardWorkItem {
        CardWorkItem {
            number: WorkItemNumber::from_wire(number).unwrap(),
            url: Some(format!("https://dev.azure.com/fabrikam/_workitems/edit/{number}")),
            title: Some("Log in".to_owned()),
            state: "Active".to_owned(),
            not_mapped: None,
            deleted: false,
        }
    }

    fn card() -> Card {
        Card {
            group: Some(GroupId::from_uuid(uuid::Uuid::from_u128(1))),
            short_id: "BACKEND-42".to_owned(),
            title: Some("Log in **fails**".to_owned()),
            url: None,
            level: Level::Error,
            status: Some(GroupStatus::Unresolved),
            assignee: CardAssignee::User { name: Some("Ada".to_owned()), discord: DiscordUserId::new(7) },
            work_items: vec![item(5)],
        }
    }

    fn field<'a>(embed: &'a Embed, name: &str) -> Option<&'a str> {
        embed.fields.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }

    #[test]
    fn a_card_shows_title_assignee_status_and_work_items() {
        let embed = embed(&card(), Some("ref 12345678"));
        assert_eq!(embed.title.as_deref(), Some(r"BACKEND-42 · Log in \*\*fails\*\*"));
        assert_eq!(field(&embed, "Assignee"), Some("Ada · <@7>"));
        assert_eq!(field(&embed, "Status"), Some("Unresolved"));
        assert_eq!(
            field(&embed, "Work items"),
            Some("[#5](https://dev.azure.com/fabrikam/_workitems/edit/5) Log in · Active")
        );
        assert_eq!(embed.footer.as_ref().unwrap().text, "BACKEND-42 · ref 12345678");
        assert_eq!(embed.color, Some(0x00e5_484d));
        assert_eq!(super::embed(&card(), None).footer.unwrap().text, "BACKEND-42");
    }

    #[test]
    fn every_assignee_has_words() {
        let user = |name: Option<&str>, discord| CardAssignee::User { name: name.map(str::to_owned), discord };
        let cases = [
            (CardAssignee::Nobody, "Nobody"),
            (CardAssignee::Team { name: "Web_".to_owned() }, r"Web\_"),
            (CardAssignee::Team { name: String::new() }, "A team"),
            (user(Some("Ada"), None), "Ada"),
            (user(None, DiscordUserId::new(7)), "<@7>"),
            (user(None, None), "Somebody"),
            (user(Some("<@8>"), None), r"\<\@8\>"),
        ];
        for (of, expected) in cases {
            assert_eq!(assignee(&of), expected);
        }
    }

    #[test]
    fn a_work_item_says_what_is_wrong_with_it() {
        let plain = CardWorkItem { url: None, title: None, ..item(5) };
        let cases = [
            (plain.clone(), "#5 · Active"),
            (CardWorkItem { deleted: true, ..plain.clone() }, "#5 · deleted in Azure DevOps"),
            (
                CardWorkItem { not_mapped: Some("Bob".to_owned()), ..plain.clone() },
                "#5 · Active · Azure: Bob (not mapped)",
            ),
            (
                CardWorkItem { not_mapped: Some(String::new()), ..plain.clone() },
                "#5 · Active · Azure: somebody (not mapped)",
            ),
            (CardWorkItem { url: Some("javascript:x".to_owned()), ..plain }, "#5 · Active"),
        ];
        for (item, expected) in cases {
            assert_eq!(work_item(&item), expected);
        }
    }

    #[test]
    fn a_closed_card_says_so() {
        let closed = Card { status: None, title: None, work_items: Vec::new(), ..card() };
        let embed = embed(&closed, None);
        assert_eq!(embed.title.as_deref(), Some("BACKEND-42"));
        assert_eq!(field(&embed, "Status"), Some("Closed"));
        assert_eq!(field(&embed, "Work items"), None);
    }

    #[test]
    fn many_work_items_are_counted() {
        let many = Card { work_items: (1..=1000).map(item).collect(), ..card() };
        let embed = embed(&many, None);
        let text = field(&embed, "Work items").unwrap();
        let shown = text.lines().count() - 1;
        assert!(text.ends_with(&format!("\nand {} more", 1000 - shown)), "{text}");
        assert!(shown >= 5, "{text}");
    }

    #[test]
    fn the_nastiest_card_is_within_every_limit() {
        let long = "*<@1>😀\u{202e}".repeat(1000);
        let nasty = CardWorkItem {
            url: Some(format!("https://h/{}", "(".repeat(90))),
            title: Some(long.clone()),
            state: long.clone(),
            not_mapped: Some(long.clone()),
            deleted: false,
            ..item(9)
        };
        let card = Card {
            short_id: long.clone(),
            title: Some(long.clone()),
            url: Some(format!("https://h/{}", "a".repeat(5000))),
            assignee: CardAssignee::User { name: Some(long), discord: DiscordUserId::new(7) },
            work_items: vec![nasty; 50],
            ..card()
        };
        let embed = embed(&card, Some("ref 12345678"));
        twilight_validate::embed::embed(&embed).unwrap();
        assert!(encode::units(embed.title.as_ref().unwrap()) <= 256);
        assert!(embed.fields.iter().all(|field| encode::units(&field.value) <= 1024));
        assert!(field(&embed, "Work items").unwrap().contains("[#9]"));
        let total: usize = embed.fields.iter().map(|f| encode::units(&f.name) + encode::units(&f.value)).sum();
        assert!(total + 256 + 2048 <= 6000);
    }
}
