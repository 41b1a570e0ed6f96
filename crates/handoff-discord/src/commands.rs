//! The commands, as Discord is told of them and as we know them again (documentation, application commands).

use serde_json::{Value, json};

/// A command that is typed.
const CHAT_INPUT: u8 = 1;
/// An option that is a text.
const TEXT: u8 = 3;
/// Where it can be used, and what it is installed to: in servers.
const IN_GUILDS: [u8; 1] = [0];
/// The permission to manage a server. The official description says that a request has it as a number.
const MANAGE_GUILD: u64 = 1 << 5;

pub(crate) const LINK: &str = "link";
pub(crate) const UNLINK: &str = "unlink";
pub(crate) const CLAIM: &str = "claim";
pub(crate) const HELP: &str = "help";
pub(crate) const ISSUE: &str = "issue";
pub(crate) const ASSIGN: &str = "assign";
pub(crate) const UNASSIGN: &str = "unassign";
pub(crate) const MINE: &str = "mine";

/// The option for a code.
pub(crate) const CODE_OPTION: &str = "code";
/// The option for an issue.
pub(crate) const ISSUE_OPTION: &str = "issue";
/// The option for an assignee.
pub(crate) const USER_OPTION: &str = "user";

/// All of them.
pub(crate) fn definitions() -> Vec<Value> {
    let code = |about: &str| json!([option(CODE_OPTION, about, true, false)]);
    let issue = option(ISSUE_OPTION, "The issue, for example BACKEND-42", true, true);
    let user = option(USER_OPTION, "A person or a team of the project; yourself where you name nobody", false, true);
    let mut claim =
        command(CLAIM, "Give this server to an organization of Handoff", &code("The code that its admin made"));
    claim["default_member_permissions"] = json!(MANAGE_GUILD);
    vec![
        command(LINK, "Link your Discord account with your user in Handoff", &code("The code that was made for you")),
        command(UNLINK, "Unlink your Discord account", &json!([])),
        claim,
        command(HELP, "Say what Handoff does here", &json!([])),
        command(ISSUE, "Show an issue", &json!([issue])),
        command(ASSIGN, "Assign an issue", &json!([issue, user])),
        command(UNASSIGN, "Take an issue back from whoever has it", &json!([issue])),
        command(MINE, "List the open issues that are assigned to you", &json!([])),
    ]
}

fn command(name: &str, description: &str, options: &Value) -> Value {
    json!({
        "name": name,
        "type": CHAT_INPUT,
        "description": description,
        "options": options,
        "contexts": IN_GUILDS,
        "integration_types": IN_GUILDS,
    })
}

fn option(name: &str, description: &str, required: bool, autocomplete: bool) -> Value {
    json!({
        "name": name,
        "type": TEXT,
        "description": description,
        "required": required,
        "autocomplete": autocomplete,
    })
}
