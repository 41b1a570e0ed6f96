//! The API over HTTP: every request is logged and checked against the official description, meets its
//! fault, is authenticated, and only then does anything.

mod call;
mod hooks;
mod people;
mod projects;
mod reply;
mod route;
mod wiql;
mod work_items;
mod work_items_write;

use axum::extract::{Request, State as Extracted};
use axum::response::Response;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{Method, StatusCode};

use self::call::{Answer, Call, Query};
use self::route::{Need, Operation, Route};
use super::auth::Caller;
use super::entra;
use super::handle::AzureHandle;
use super::refusal::Refusal;
use super::request_log::LoggedRequest;
use crate::fault::Fault;
use crate::server::{hang_up, stall};

/// The largest request body that is read, in bytes.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// Serves whatever is no page and no control of the simulator.
pub(crate) async fn serve(Extracted(handle): Extracted<AzureHandle>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return reply::plain(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let route = Route::find(&parts.method, parts.uri.path());
    check_against_description(&handle, &parts, route.as_ref(), &body);
    let operation = route.as_ref().map_or("unknown", |route| route.operation.name());
    if let Some(tenant) = entra::tenant_of(&parts) {
        return token(&handle, &parts, tenant, &body).await;
    }
    let caller = handle.with(|state, now_us| state.caller(&parts.headers, now_us));
    let identity = caller.and_then(|caller| handle.identity(caller.identity).ok());
    let mut entry = LoggedRequest {
        at_us: handle.clock().now_us(),
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        operation,
        status: None,
        identity: identity.map(|identity| identity.details.display_name),
    };
    let fault = handle.faults().take(operation);
    let response = answer(&handle, parts, route, body, caller, fault).await;
    entry.status = response.as_ref().map(|response| response.status().as_u16());
    handle.with(|state, _| state.log.add(entry));
    response.unwrap_or_else(hang_up)
}

/// Entra's token endpoint, which is logged and fails on demand as `entra_token`.
async fn token(handle: &AzureHandle, parts: &Parts, tenant: &str, body: &Bytes) -> Response {
    let operation = "entra_token";
    let response = match handle.faults().take(operation) {
        Some(Fault::RefuseBefore { status } | Fault::FailAfter { status }) => reply::on_demand(handle, status),
        Some(Fault::Html) => reply::sign_in_page(),
        fault => {
            if let Some(Fault::Delay(delay)) = fault {
                handle.clock().sleep(delay).await;
            }
            handle.with(|state, now_us| state.entra.answer(tenant, body, now_us))
        }
    };
    let entry = LoggedRequest {
        at_us: handle.clock().now_us(),
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        operation,
        status: Some(response.status().as_u16()),
        identity: None,
    };
    handle.with(|state, _| state.log.add(entry));
    response
}

/// The response, or nothing when the connection shall be closed.
async fn answer(
    handle: &AzureHandle,
    parts: Parts,
    route: Option<Route>,
    body: Bytes,
    caller: Option<Caller>,
    fault: Option<Fault>,
) -> Option<Response> {
    match fault {
        Some(Fault::RefuseBefore { status }) => return Some(reply::on_demand(handle, status)),
        Some(Fault::Html) => return Some(reply::sign_in_page()),
        Some(Fault::Delay(delay)) => handle.clock().sleep(delay).await,
        _ => {}
    }
    let response = match caller {
        None => reply::unauthorized(handle),
        Some(caller) => {
            let answer =
                dispatch(handle, parts, route, body, caller).await.unwrap_or_else(|refusal| Answer::refused(&refusal));
            reply::send(handle, answer)
        }
    };
    match fault {
        Some(Fault::Drop) => None,
        Some(Fault::FailAfter { status }) => Some(reply::on_demand(handle, status)),
        Some(Fault::Stall) => Some(stall()),
        _ => Some(response),
    }
}

async fn dispatch(
    handle: &AzureHandle,
    parts: Parts,
    route: Option<Route>,
    body: Bytes,
    caller: Caller,
) -> Result<Answer, Refusal> {
    handle.with(|state, now_us| state.rate_limit.admit(now_us))?;
    let route = route.ok_or_else(Refusal::unknown_route)?;
    let query = Query::parse(parts.uri.query());
    check_version(route.operation, &parts, &query)?;
    check_rights(handle, route.operation, caller)?;
    let (collection, project) = handle.with(|state, _| {
        let collection = state.find_collection(&route.collection)?;
        let project = route.project.as_deref().map(|name| state.find_project(collection, name)).transpose()?;
        Ok((collection, project))
    })?;
    let call = Call { caller, collection, project, arguments: route.arguments, query, headers: parts.headers, body };
    run(handle, route.operation, &call).await
}

async fn run(handle: &AzureHandle, operation: Operation, call: &Call) -> Result<Answer, Refusal> {
    use Operation as O;
    match operation {
        O::ListSubscriptions => hooks::list(handle, call),
        O::CreateSubscription => hooks::create(handle, call),
        O::GetSubscription => hooks::get(handle, call),
        O::ReplaceSubscription => hooks::replace(handle, call),
        O::DeleteSubscription => hooks::delete(handle, call),
        O::QuerySubscriptions => hooks::query(handle, call),
        O::TestNotification => hooks::test(handle, call).await,
        O::ListNotifications => hooks::notifications(handle, call),
        O::GetNotification => hooks::notification(handle, call),
        O::GetWorkItem => work_items::get(handle, call),
        O::ListWorkItems => work_items::list(handle, call),
        O::WorkItemsBatch => work_items::batch(handle, call),
        O::ListRevisions => work_items::revisions(handle, call),
        O::GetRevision => work_items::revision(handle, call),
        O::ListUpdates => work_items::updates(handle, call),
        O::GetUpdate => work_items::update(handle, call),
        O::ListComments => work_items::comments(handle, call),
        O::GetDeletedWorkItem => work_items::deleted(handle, call),
        O::CreateWorkItem => work_items_write::create(handle, call),
        O::PatchWorkItem => work_items_write::patch(handle, call),
        O::DeleteWorkItem => work_items_write::delete(handle, call),
        O::RestoreWorkItem => work_items_write::restore(handle, call),
        O::AddComment => work_items_write::add_comment(handle, call),
        O::ListWorkItemTypes => projects::work_item_types(handle, call),
        O::GetWorkItemType => projects::work_item_type(handle, call),
        O::ListStates => projects::states(handle, call),
        O::QueryByWiql => wiql::query(handle, call),
        O::ListProjects => projects::list(handle, call),
        O::GetProject => projects::get(handle, call),
        O::ListTeams => projects::teams(handle, call),
        O::ListTeamMembers => projects::members(handle, call),
        O::ListGraphUsers => people::graph_users(handle, call),
        O::GetGraphUser => people::graph_user(handle, call),
        O::ListIdentities => people::identities(handle, call),
        O::ConnectionData => people::connection_data(handle, call),
    }
}

/// A change needs an `api-version`, in the query or in `Accept`; a preview must be named as one.
fn check_version(operation: Operation, parts: &Parts, query: &Query) -> Result<(), Refusal> {
    let accepted = parts
        .headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .and_then(|accept| accept.split_once("api-version="))
        .map(|(_, version)| version);
    match query.get("api-version").or(accepted) {
        None if parts.method == Method::GET => Ok(()),
        None => Err(Refusal::bad_request(
            "VssVersionNotSpecifiedException",
            format!(
                "No api-version was supplied for the \"{}\" request. The version must be supplied either as part of \
                 the Accept header or as a query parameter.",
                parts.method
            ),
        )),
        Some(version) if operation.is_preview() && !version.contains("-preview") => Err(Refusal::bad_request(
            "VssInvalidPreviewVersionException",
            format!(
                "The requested version \"{version}\" of the resource is under preview. The -preview flag must be \
                 supplied in the api-version for such requests."
            ),
        )),
        Some(_) => Ok(()),
    }
}

fn check_rights(handle: &AzureHandle, operation: Operation, caller: Caller) -> Result<(), Refusal> {
    let rights = caller.rights;
    let (allowed, action) = match operation.need() {
        Need::SignIn => return Ok(()),
        Need::WriteWorkItems => (rights.write_work_items, "Edit work items in this node"),
        Need::ViewHooks => (rights.view_hooks, "View subscriptions"),
        Need::EditHooks => (rights.edit_hooks, "Edit subscription"),
        Need::ReadPeople => (rights.read_people, "Read identities"),
        Need::ReadProjects => (rights.read_projects, "View project-level information"),
        Need::ReadWorkItems => (rights.read_work_items, "View work items in this node"),
    };
    if allowed {
        return Ok(());
    }
    let who = handle.identity(caller.identity)?.details.display_name;
    Err(Refusal::forbidden(&who, action))
}

fn check_against_description(handle: &AzureHandle, parts: &Parts, route: Option<&Route>, body: &[u8]) {
    let Some(specs) = handle.specs() else {
        return;
    };
    // The description knows work items below a project only; the service takes them without one too.
    let path = match route {
        // A query may leave out the team, and the project, too.
        Some(route) if route.operation == Operation::QueryByWiql => {
            let missing = if route.project.is_some() { "/-/_apis/" } else { "/-/-/_apis/" };
            parts.uri.path().replacen("/_apis/", missing, 1)
        }
        Some(route) if route.project.is_none() && parts.uri.path().contains("/_apis/wit/") => {
            parts.uri.path().replacen("/_apis/", "/-/_apis/", 1)
        }
        _ => parts.uri.path().to_owned(),
    };
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let checked = specs.check_request(parts.method.as_str(), &path, parts.uri.query(), content_type, body);
    if let Err(violations) = checked {
        handle.with(|state, _| state.log.add_violations(violations));
    }
}
