//! The body of a service hook delivery.

use serde_json::{Value, json};
use uuid::Uuid;

use super::dates;
use super::projects::{Collection, Hosting, Project};
use super::render::{PersonForm, Renderer, Selection};
use super::subscription::Subscription;
use super::work_item::{Update, WorkItem};

/// The version with people as objects and without links.
const WITH_OBJECTS: &str = "5.1-preview.3";

/// Everything that an event is written from.
pub(crate) struct EventContext<'a> {
    pub(crate) renderer: Renderer<'a>,
    pub(crate) collection: &'a Collection,
    /// The simulator's own, without a trailing slash.
    pub(crate) server_url: &'a str,
    pub(crate) item: &'a WorkItem,
    /// There for `workitem.updated`.
    pub(crate) update: Option<&'a Update>,
    pub(crate) event_type: &'a str,
    pub(crate) event_id: Uuid,
    pub(crate) at_us: i64,
}

/// How a version writes people.
pub(crate) fn person_form(version: &str) -> PersonForm {
    if version == WITH_OBJECTS { PersonForm::Object } else { PersonForm::Text }
}

/// The payload for one subscription.
pub(crate) fn write(context: &EventContext<'_>, subscription: &Subscription, notification: i64) -> Value {
    let request = &subscription.request;
    json!({
        "subscriptionId": subscription.id,
        "notificationId": notification,
        "id": context.event_id,
        "eventType": context.event_type,
        "publisherId": "tfs",
        "message": message(context, request.consumer_input("messagesToSend")),
        "detailedMessage": message(context, request.consumer_input("detailedMessagesToSend")),
        "resource": resource(context, subscription),
        "resourceVersion": request.version(),
        "resourceContainers": containers(context.collection, context.renderer.project, context.renderer.base_url, context.server_url),
        "createdDate": dates::long(context.at_us),
    })
}

/// Who and where the event is from. Clouds name the account, Servers themselves.
fn containers(collection: &Collection, project: &Project, base_url: &str, server_url: &str) -> Value {
    let (host, host_url) = match collection.hosting {
        Hosting::Cloud => ("account", base_url.to_owned()),
        Hosting::Server => ("server", format!("{server_url}/")),
    };
    json!({
        "collection": {"id": collection.id, "baseUrl": base_url},
        host: {"id": collection.host_id, "baseUrl": host_url},
        "project": {"id": project.id, "baseUrl": base_url},
    })
}

fn message(context: &EventContext<'_>, wanted: &str) -> Value {
    let item = context.item;
    let verb = context.event_type.trim_start_matches("workitem.");
    let kind = item.text("System.WorkItemType").unwrap_or_default();
    let title = item.text("System.Title").unwrap_or_default();
    let text = format!("{kind} #{} ({title}) {verb}", item.key.number);
    let url = context.renderer.url(item);
    let html = format!("<a href=\"{url}\">{kind} #{}</a> {verb}", item.key.number);
    let markdown = format!("[{kind} #{}]({url}) {verb}", item.key.number);
    match wanted {
        "none" => Value::Null,
        "text" => json!({"text": text}),
        "html" => json!({"html": html}),
        "markdown" => json!({"markdown": markdown}),
        _ => json!({"text": text, "html": html, "markdown": markdown}),
    }
}

fn resource(context: &EventContext<'_>, subscription: &Subscription) -> Value {
    match subscription.request.consumer_input("resourceDetailsToSend") {
        "none" => Value::Null,
        "minimal" => {
            let full = full_resource(context, false);
            json!({"id": full["id"], "url": full["url"]})
        }
        _ => full_resource(context, context.renderer.form == PersonForm::Text),
    }
}

/// `relations`: version 1.0 has the links, 5.1 lost them.
fn full_resource(context: &EventContext<'_>, relations: bool) -> Value {
    let (renderer, item) = (&context.renderer, context.item);
    let selection = Selection { fields: None, relations };
    let revision = item.latest();
    let Some(update) = context.update else {
        let url = if context.event_type == "workitem.deleted" {
            format!("{}{}/_apis/wit/recyclebin/{}", renderer.base_url, renderer.project.id, item.key.number)
        } else {
            renderer.url(item)
        };
        return renderer.snapshot(item, revision, &selection, url);
    };
    let mut value = renderer.update(item, update);
    if let Some(object) = value.as_object_mut() {
        if !relations {
            object.remove("relations");
        }
        let url = format!("{}/revisions/{}", renderer.url(item), revision.rev);
        object.insert("revision".into(), renderer.snapshot(item, revision, &selection, url));
    }
    value
}
