//! The buttons of a card (documentation, components).

use crate::custom_id::CustomId;
use handoff_domain::chat::Card;
use handoff_domain::interaction::CardAction;
use serde_json::{Value, json};

/// Types of components.
pub(crate) const ACTION_ROW: u8 = 1;
const BUTTON: u8 = 2;
/// Styles of buttons: the one that stands out, a plain one, a good one.
const PRIMARY: u8 = 1;
const SECONDARY: u8 = 2;
const SUCCESS: u8 = 3;

/// A row of what can be done with a group that is there; none for a closed card.
pub(crate) fn of_card(card: &Card) -> Vec<Value> {
    let (Some(group), Some(status)) = (card.group, card.status) else { return Vec::new() };
    let button = |action: &CardAction| {
        let (label, style) = look(*action);
        let custom_id = CustomId::Button(*action, group).to_string();
        json!({"type": BUTTON, "style": style, "label": label, "custom_id": custom_id})
    };
    let buttons: Vec<Value> = CardAction::offered(status).iter().map(button).collect();
    vec![json!({"type": ACTION_ROW, "components": buttons})]
}

const fn look(action: CardAction) -> (&'static str, u8) {
    match action {
        CardAction::Take => ("Assign to me", PRIMARY),
        CardAction::Choose => ("Assign…", SECONDARY),
        CardAction::Resolve => ("Resolve", SUCCESS),
        CardAction::Reopen => ("Unresolve", SECONDARY),
        CardAction::Archive => ("Archive", SECONDARY),
    }
}
