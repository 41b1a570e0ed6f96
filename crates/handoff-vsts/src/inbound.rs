//! What service hooks bring: who sends it, what it is about, and what it says.

use crate::json::{self, Loose};
use crate::snapshot::{self, Beside};
use crate::wire::{Containers, Event, ResourceNumbers, Update, WorkItem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handoff_domain::hook::EventType;
use handoff_domain::id::{MAX_SAFE_INTEGER, WorkItemNumber};
use handoff_domain::port::tracker::{Classified, DecodeError, InboundHeaders, TrackerEvent, TrackerInbound};
use handoff_domain::secret::Secret;
use handoff_domain::text::tamed;
use handoff_domain::work_item::{AzureProjectId, Snapshot};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// The user name that our subscriptions present beside the secret. It is not compared: the address
/// names the hook, and the password is the secret.
pub const HOOK_USER: &str = "handoff";

/// Longest `Authorization` header looked at, in bytes. Name and password have at most 256 characters
/// each (Azure DevOps docs, web hooks consumer).
const MAX_AUTHORIZATION: usize = 4096;
/// Longest event type or event id kept, in characters.
const MAX_WORD: usize = 64;

/// The id of every sample of `workitem.updated` that "Test" sends.
const SAMPLE_EVENT: &str = "27646e0e-b520-4d2b-9411-bba7524947cd";
/// Where the sample's work item is said to be; also the one sign that samples of other events share.
const SAMPLE_HOST: &str = "://fabrikam-fiber-inc.visualstudio.com/DefaultCollection/";

/// Verifies and decodes the deliveries of service hooks. Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct AzureInbound;

impl TrackerInbound for AzureInbound {
    fn authenticate(&self, headers: &InboundHeaders, secret: &Secret) -> bool {
        let presented = headers.get("authorization").and_then(basic_password).unwrap_or_default();
        // Both are hashed, so that neither the time nor the comparison tells the secret's length.
        let same = Sha256::digest(&presented).ct_eq(&Sha256::digest(secret.expose().as_bytes()));
        bool::from(same) && !presented.is_empty()
    }

    fn classify(&self, body: &[u8]) -> Classified {
        let event: Event<ResourceNumbers> = match json::read(body) {
            Ok(event) => event,
            Err(error) => return Classified::Malformed { reason: error.to_string() },
        };
        let Some(event_type) = event.event_type.text() else {
            return Classified::Malformed { reason: "it has no eventType".to_owned() };
        };
        if is_sample(&event) {
            return Classified::TestNotification;
        }
        match EventType::from_stored(event_type) {
            Some(event_type) => classified(event_type, &event),
            None => Classified::Unused { event_type: tamed(event_type, MAX_WORD) },
        }
    }

    fn decode(&self, event_type: EventType, body: &[u8]) -> Result<TrackerEvent, DecodeError> {
        match event_type {
            EventType::WorkItemUpdated => updated(&read(body)?),
            EventType::WorkItemCreated => created(&read(body)?),
            EventType::WorkItemDeleted | EventType::WorkItemRestored => Ok(TrackerEvent::Settle),
        }
    }
}

/// The password of basic authentication (RFC 7617); the scheme in any case.
fn basic_password(header: &[u8]) -> Option<Vec<u8>> {
    if header.len() > MAX_AUTHORIZATION {
        return None;
    }
    let (scheme, encoded) = std::str::from_utf8(header).ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some(decoded.split_off(colon + 1))
}

/// Whether it is what "Test" sends: work item 0, the sample's id, or the sample's address.
fn is_sample(event: &Event<ResourceNumbers>) -> bool {
    let resource = event.resource.object();
    let zero = resource.is_some_and(|resource| match &resource.work_item_id {
        Loose::Nothing => resource.id.integer() == Some(0),
        number => number.integer() == Some(0),
    });
    let url = resource.and_then(|resource| resource.url.text());
    let at_sample = url.is_some_and(|url| {
        ["http", "https"]
            .into_iter()
            .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| rest.starts_with(SAMPLE_HOST)))
    });
    zero || at_sample || event.id.text().is_some_and(|id| id.eq_ignore_ascii_case(SAMPLE_EVENT))
}

fn classified(event_type: EventType, event: &Event<ResourceNumbers>) -> Classified {
    let resource = event.resource.object();
    let is_update = event_type == EventType::WorkItemUpdated;
    let number = resource.and_then(|one| if is_update { &one.work_item_id } else { &one.id }.integer());
    let update = resource.filter(|_| is_update).and_then(|one| one.id.integer());
    let containers = event.resource_containers.object();
    Classified::Event {
        event_type,
        collection_id: containers.and_then(|all| all.collection.object()?.id.text()).and_then(guid),
        azure_project: containers.and_then(project),
        work_item: number.and_then(WorkItemNumber::from_wire),
        update: update.filter(|update| (1..=MAX_SAFE_INTEGER).contains(update)),
        event_id: event.id.text().map(|id| tamed(id, MAX_WORD)).filter(|id| !id.is_empty()),
    }
}

/// A GUID in lower case, with hyphens.
pub(crate) fn guid(text: &str) -> Option<String> {
    Uuid::try_parse(text.trim()).ok().map(|id| id.hyphenated().to_string())
}

fn project(containers: &Containers) -> Option<AzureProjectId> {
    AzureProjectId::parse(containers.project.object()?.id.text()?)
}

fn read<R: serde::de::DeserializeOwned + Default>(body: &[u8]) -> Result<Event<R>, DecodeError> {
    json::read(body).map_err(|error| DecodeError(error.to_string()))
}

fn number(field: &str, value: &Loose) -> Result<WorkItemNumber, DecodeError> {
    let number = value.integer().and_then(WorkItemNumber::from_wire);
    number.ok_or_else(|| DecodeError(format!("{field} is not the number of a work item")))
}

fn updated(event: &Event<Update>) -> Result<TrackerEvent, DecodeError> {
    let update = event.resource.object().ok_or_else(|| DecodeError("resource is not an object".to_owned()))?;
    let number = number("resource.workItemId", &update.work_item_id)?;
    let revision = match &update.revision {
        Loose::Nothing => return Ok(TrackerEvent::Updated { snapshot: None }),
        Loose::Object(revision) => revision,
        _ => return Err(DecodeError("resource.revision is not an object".to_owned())),
    };
    let beside = Beside {
        rev: Some(&update.rev),
        // Only adds to what the fields say, so that anything odd in it is no reason to refuse.
        revised_by: update.revised_by.person().unwrap_or_default(),
        links: Some(&update.links),
        ..beside(event)
    };
    whole(snapshot::snapshot(number, revision, beside), "resource.revision")
}

fn created(event: &Event<WorkItem>) -> Result<TrackerEvent, DecodeError> {
    let item = event.resource.object().ok_or_else(|| DecodeError("resource is not an object".to_owned()))?;
    let number = number("resource.id", &item.id)?;
    whole(snapshot::snapshot(number, item, beside(event)), "resource")
}

fn beside<R>(event: &Event<R>) -> Beside<'_> {
    let containers = event.resource_containers.object();
    Beside {
        azure_project: containers.and_then(project),
        base_url: containers.and_then(|all| all.collection.object()?.base_url.text()),
        ..Beside::default()
    }
}

fn whole(snapshot: Result<Option<Snapshot>, DecodeError>, at: &str) -> Result<TrackerEvent, DecodeError> {
    let snapshot = snapshot.map_err(|error| DecodeError(format!("in {at}: {error}")))?;
    Ok(TrackerEvent::Updated { snapshot: snapshot.map(Box::new) })
}
