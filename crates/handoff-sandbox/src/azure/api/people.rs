//! The endpoints of people: Graph (cloud only), identities, and who the caller is.

use serde_json::{Value, json};

use super::super::handle::AzureHandle;
use super::super::people::SimIdentity;
use super::super::projects::Hosting;
use super::super::refusal::Refusal;
use super::super::state::State;
use super::call::{Answer, Call};

/// A page at a time; the next one's token comes in a header.
pub(super) fn graph_users(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let page_size = handle.options().graph_page_size.max(1);
    let kinds = call.query.list("subjecttypes");
    let start = match call.query.get("continuationtoken") {
        None => 0,
        Some(token) => token.parse().map_err(|_| Refusal::invalid_argument("The continuation token is not valid."))?,
    };
    handle.with(|state, _| {
        cloud_only(state, call)?;
        let users: Vec<&SimIdentity> = state
            .people
            .iter()
            .filter(|identity| !identity.details.is_container)
            .filter(|identity| {
                kinds
                    .as_ref()
                    .is_none_or(|kinds| kinds.iter().any(|kind| identity.descriptor.split('.').next() == Some(kind)))
            })
            .collect();
        let end = users.len().min(start + page_size);
        let page = users.get(start..end).unwrap_or_default();
        let mut answer = Answer::list(page.iter().map(|identity| graph_json(identity)).collect());
        answer.continuation = (end < users.len()).then(|| end.to_string());
        Ok(answer)
    })
}

pub(super) fn graph_user(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.with(|state, _| {
        cloud_only(state, call)?;
        let found = state
            .people
            .iter()
            .find(|identity| identity.descriptor == call.argument(0))
            .ok_or_else(Refusal::unknown_identity)?;
        Ok(Answer::ok(graph_json(found)))
    })
}

/// By ids, by descriptors, or by a search filter. Unknown ids are nulls in their places.
pub(super) fn identities(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    let (query, filter) = (&call.query, call.query.get("filtervalue").unwrap_or_default().to_lowercase());
    let one_of = |wanted: Vec<String>, key: fn(&SimIdentity) -> String, state: &State| -> Vec<Value> {
        wanted
            .iter()
            .map(|wanted| {
                state
                    .people
                    .iter()
                    .find(|identity| key(identity).eq_ignore_ascii_case(wanted))
                    .map_or(Value::Null, identity_json)
            })
            .collect()
    };
    let search = query.get("searchfilter").unwrap_or("General").to_lowercase();
    handle.with(|state, _| {
        if let Some(ids) = query.list("identityids") {
            return Ok(Answer::list(one_of(ids, |identity| identity.id.to_string(), state)));
        }
        if let Some(descriptors) = query.list("subjectdescriptors") {
            return Ok(Answer::list(one_of(descriptors, |identity| identity.descriptor.clone(), state)));
        }
        let found = state
            .people
            .iter()
            .filter(|identity| {
                let details = &identity.details;
                let name = details.display_name.to_lowercase() == filter;
                let account = details.unique_name.to_lowercase() == filter;
                let mail = details.mail_address.as_ref().is_some_and(|mail| mail.to_lowercase() == filter);
                match search.as_str() {
                    "mailaddress" => mail,
                    "accountname" => account,
                    "displayname" => name,
                    _ => name || account || mail,
                }
            })
            .map(identity_json)
            .collect();
        Ok(Answer::list(found))
    })
}

pub(super) fn connection_data(handle: &AzureHandle, call: &Call) -> Result<Answer, Refusal> {
    handle.with(|state, _| {
        let collection = state.collection(call.collection)?;
        let caller = state.people.get(call.caller.identity).map(identity_json).ok_or_else(Refusal::unknown_identity)?;
        let hosted = collection.hosting == Hosting::Cloud;
        Ok(Answer::ok(json!({
            "authenticatedUser": caller,
            "authorizedUser": caller,
            "instanceId": collection.id,
            "deploymentId": collection.host_id,
            "deploymentType": if hosted { "hosted" } else { "onPremises" },
            "locationServiceData": {
                "serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7",
                "defaultAccessMappingMoniker": "PublicAccessMapping",
                "lastChangeId": 1,
                "lastChangeId64": 1,
            },
        })))
    })
}

/// Servers have no Graph API.
fn cloud_only(state: &State, call: &Call) -> Result<(), Refusal> {
    match state.collection(call.collection)?.hosting {
        Hosting::Cloud => Ok(()),
        Hosting::Server => Err(Refusal::unknown_route()),
    }
}

fn graph_json(identity: &SimIdentity) -> Value {
    let details = &identity.details;
    let mail = details.mail_address.as_deref().unwrap_or_default();
    json!({
        "subjectKind": "user",
        "metaType": "member",
        "domain": "sandbox.invalid",
        "principalName": details.unique_name,
        "mailAddress": mail,
        "origin": "aad",
        "originId": identity.id,
        "displayName": details.display_name,
        "descriptor": identity.descriptor,
        "isDeletedInOrigin": !details.active,
    })
}

fn identity_json(identity: &SimIdentity) -> Value {
    let details = &identity.details;
    let text = |value: &str| json!({"$type": "System.String", "$value": value});
    let kind = if details.is_container { "Group" } else { "User" };
    json!({
        "id": identity.id,
        "descriptor": format!("Microsoft.IdentityModel.Claims.ClaimsIdentity;{}", details.unique_name),
        "subjectDescriptor": identity.descriptor,
        "providerDisplayName": details.display_name,
        "isActive": details.active,
        "isContainer": details.is_container,
        "members": [],
        "memberOf": [],
        "memberIds": [],
        "properties": {
            "SchemaClassName": text(kind),
            "Account": text(&details.unique_name),
            "Mail": text(details.mail_address.as_deref().unwrap_or_default()),
        },
        "resourceVersion": 2,
        "metaTypeId": 0,
    })
}
