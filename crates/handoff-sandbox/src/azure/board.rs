//! The board: the work items of every project in columns by state, with a form to change each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::Router;
use axum::extract::State as Extracted;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::changes::Changes;
use super::handle::AzureHandle;
use super::ids::{CollectionId, IdentityId, WorkItemKey};
use super::projects::Project;
use super::refusal::Refusal;
use super::state::State;
use super::subscription::SubscriptionStatus;
use super::work_item::WorkItem;

/// Loads again when nothing is being edited.
const SCRIPT: &str = "setInterval(() => { if (!document.querySelector('form:focus-within')) location.reload() }, 2000)";

const STYLE: &str = "
body{font:14px system-ui,sans-serif;margin:0;background:#f8f8f8;color:#201f1e}
header{background:#0078d4;color:#fff;padding:12px 20px;font-size:18px}
h2{margin:20px 20px 8px;font-size:16px}
.board{display:flex;gap:12px;padding:0 20px}
.column{flex:1;min-width:170px;background:#eaeaea;border-radius:4px;padding:8px}
.column h3{margin:0 0 8px;font-size:13px;text-transform:uppercase;color:#605e5c}
.card{background:#fff;border-left:4px solid #cc293d;border-radius:3px;padding:8px;margin-bottom:8px;box-shadow:0 1px 2px #0003}
.card.Task,.card.Issue{border-color:#f2cb1d}.card.Story{border-color:#009ccc}
.who{color:#605e5c;margin:4px 0}
input,select,button{font:inherit;font-size:12px;max-width:100%;margin-top:4px}
input{width:95%}
footer{padding:20px;color:#605e5c}";

/// The routes.
pub(crate) fn router() -> Router<AzureHandle> {
    Router::new()
        .route("/", get(async || Redirect::to("/_sim/board")))
        .route("/_sim/board", get(show))
        .route("/_sim/board/change", post(change))
}

async fn show(Extracted(handle): Extracted<AzureHandle>) -> Html<String> {
    let mut page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Board</title><style>{STYLE}</style></head>\
         <body><header>Azure DevOps (simulated)</header>"
    );
    handle.with(|state, _| {
        for project in state.projects.values() {
            page.push_str(&project_section(state, project));
        }
        page.push_str(&hooks_line(state));
    });
    page.push_str("<script>");
    page.push_str(SCRIPT);
    page.push_str("</script></body></html>");
    Html(page)
}

fn project_section(state: &State, project: &Project) -> String {
    let collection = state.collections.get(&project.collection).map_or("", |collection| collection.name.as_str());
    let mut html = format!("<h2>{} / {}</h2><div class=\"board\">", escape(collection), escape(&project.name));
    for column in project.process.columns() {
        let cards: String = state
            .items
            .values()
            .filter(|item| item.project == project.id && item.deleted.is_none())
            .filter(|item| item.text("System.State") == Some(column))
            .map(|item| card(state, project, item))
            .collect();
        let _ = write!(html, "<div class=\"column\"><h3>{}</h3>{cards}</div>", escape(column));
    }
    html.push_str("</div>");
    html
}

fn card(state: &State, project: &Project, item: &WorkItem) -> String {
    let text = |field: &str| escape(item.text(field).unwrap_or_default());
    let name = |id: IdentityId| {
        state.people.get(id).map(|identity| escape(&identity.details.display_name)).unwrap_or_default()
    };
    let kind = item.text("System.WorkItemType").unwrap_or_default();
    let states: String = project
        .process
        .work_item_type(kind)
        .map_or(&[][..], |(_, states)| states)
        .iter()
        .map(|known| choice(known.name, known.name, item.text("System.State") == Some(known.name)))
        .collect();
    let people: String = state
        .people
        .iter()
        .map(|person| {
            let label = &person.details.display_name;
            choice(&person.id.to_string(), label, item.assignee() == Some(person.id))
        })
        .collect();
    format!(
        "<div class=\"card {class}\" id=\"item-{number}\"><b>{kind} {number}</b> {title}\
         <div class=\"who\">{who} · revision {rev}</div>\
         <form method=\"post\" action=\"/_sim/board/change\">\
         <input type=\"hidden\" name=\"collection\" value=\"{collection}\">\
         <input type=\"hidden\" name=\"number\" value=\"{number}\">\
         <input name=\"title\" aria-label=\"Title\" value=\"{title}\">\
         <select name=\"assignee\" aria-label=\"Assignee\"><option value=\"\">Unassigned</option>{people}</select>\
         <select name=\"state\" aria-label=\"State\">{states}</select>\
         <button>Save</button></form></div>",
        class = escape(kind.rsplit(' ').next().unwrap_or_default()),
        number = item.key.number,
        collection = item.key.collection,
        kind = escape(kind),
        title = text("System.Title"),
        who = item.assignee().map_or_else(|| "Unassigned".to_owned(), name),
        rev = item.latest().rev,
    )
}

fn choice(value: &str, label: &str, selected: bool) -> String {
    let selected = if selected { " selected" } else { "" };
    format!("<option value=\"{}\"{selected}>{}</option>", escape(value), escape(label))
}

fn hooks_line(state: &State) -> String {
    let enabled =
        state.subscriptions.values().filter(|subscription| subscription.status == SubscriptionStatus::Enabled).count();
    format!(
        "<footer>{} service hooks, {enabled} of them enabled; {} events lost.</footer>",
        state.subscriptions.len(),
        state.dropped.len()
    )
}

/// What the form sends: the whole card, of which only what differs becomes a change.
async fn change(Extracted(handle): Extracted<AzureHandle>, body: String) -> Result<Response, Refusal> {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let value = |name: &str| {
        form.get(name).map(String::as_str).ok_or_else(|| Refusal::invalid_argument(format!("The form lacks '{name}'.")))
    };
    let invalid = |_| Refusal::invalid_argument("The form cannot be read.");
    let key = WorkItemKey {
        collection: CollectionId(value("collection")?.parse().map_err(invalid)?),
        number: value("number")?.parse().map_err(|_| Refusal::invalid_argument("The form cannot be read."))?,
    };
    let mut changes = Changes::default();
    changes.title(value("title")?).state(value("state")?);
    match value("assignee")? {
        "" => changes.unassign(),
        id => changes.assign(IdentityId(id.parse().map_err(invalid)?)),
    };
    handle.act(|state, now_us| state.change_item(key, &changes, now_us))?;
    Ok(Redirect::to("/_sim/board").into_response())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
