//! Which operation a request asks for. Azure DevOps does not look at the case of paths.

use http::Method;
use percent_encoding::percent_decode_str;

/// The operations that the simulator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    ListSubscriptions,
    CreateSubscription,
    GetSubscription,
    ReplaceSubscription,
    DeleteSubscription,
    QuerySubscriptions,
    TestNotification,
    ListNotifications,
    GetNotification,
    GetWorkItem,
    ListWorkItems,
    WorkItemsBatch,
    CreateWorkItem,
    PatchWorkItem,
    DeleteWorkItem,
    GetDeletedWorkItem,
    RestoreWorkItem,
    ListRevisions,
    GetRevision,
    ListUpdates,
    GetUpdate,
    ListComments,
    AddComment,
    ListWorkItemTypes,
    GetWorkItemType,
    ListStates,
    QueryByWiql,
    ListProjects,
    GetProject,
    ListTeams,
    ListTeamMembers,
    ListGraphUsers,
    GetGraphUser,
    ListIdentities,
    ConnectionData,
}

/// What an operation needs of its caller's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    SignIn,
    WriteWorkItems,
    ViewHooks,
    EditHooks,
    ReadPeople,
    ReadProjects,
    ReadWorkItems,
}

/// A path taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) operation: Operation,
    pub(crate) collection: String,
    /// By name or id, before `_apis`.
    pub(crate) project: Option<String>,
    /// The variable segments, in their order.
    pub(crate) arguments: Vec<String>,
}

impl Operation {
    /// The name in the request log and in fault plans.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ListSubscriptions => "list_subscriptions",
            Self::CreateSubscription => "create_subscription",
            Self::GetSubscription => "get_subscription",
            Self::ReplaceSubscription => "replace_subscription",
            Self::DeleteSubscription => "delete_subscription",
            Self::QuerySubscriptions => "query_subscriptions",
            Self::TestNotification => "test_notification",
            Self::ListNotifications => "list_notifications",
            Self::GetNotification => "get_notification",
            Self::GetWorkItem => "get_work_item",
            Self::ListWorkItems => "list_work_items",
            Self::WorkItemsBatch => "work_items_batch",
            Self::CreateWorkItem => "create_work_item",
            Self::PatchWorkItem => "patch_work_item",
            Self::DeleteWorkItem => "delete_work_item",
            Self::GetDeletedWorkItem => "get_deleted_work_item",
            Self::RestoreWorkItem => "restore_work_item",
            Self::ListRevisions => "list_revisions",
            Self::GetRevision => "get_revision",
            Self::ListUpdates => "list_updates",
            Self::GetUpdate => "get_update",
            Self::ListComments => "list_comments",
            Self::AddComment => "add_comment",
            Self::ListWorkItemTypes => "list_work_item_types",
            Self::GetWorkItemType => "get_work_item_type",
            Self::ListStates => "list_states",
            Self::QueryByWiql => "query_by_wiql",
            Self::ListProjects => "list_projects",
            Self::GetProject => "get_project",
            Self::ListTeams => "list_teams",
            Self::ListTeamMembers => "list_team_members",
            Self::ListGraphUsers => "list_graph_users",
            Self::GetGraphUser => "get_graph_user",
            Self::ListIdentities => "list_identities",
            Self::ConnectionData => "connection_data",
        }
    }

    pub(crate) const fn need(self) -> Need {
        match self {
            Self::ListSubscriptions
            | Self::GetSubscription
            | Self::QuerySubscriptions
            | Self::ListNotifications
            | Self::GetNotification => Need::ViewHooks,
            Self::CreateSubscription
            | Self::ReplaceSubscription
            | Self::DeleteSubscription
            | Self::TestNotification => Need::EditHooks,
            Self::CreateWorkItem
            | Self::PatchWorkItem
            | Self::DeleteWorkItem
            | Self::RestoreWorkItem
            | Self::AddComment => Need::WriteWorkItems,
            Self::ListGraphUsers | Self::GetGraphUser | Self::ListIdentities => Need::ReadPeople,
            Self::ListProjects | Self::GetProject | Self::ListTeams | Self::ListTeamMembers => Need::ReadProjects,
            Self::GetWorkItem | Self::ListWorkItems | Self::WorkItemsBatch | Self::QueryByWiql => Need::ReadWorkItems,
            _ => Need::SignIn,
        }
    }

    /// Whether the operation is still in preview, which its `api-version` must say.
    pub(crate) const fn is_preview(self) -> bool {
        matches!(self, Self::ListComments | Self::AddComment | Self::ListGraphUsers | Self::GetGraphUser)
    }
}

impl Route {
    /// Takes a request apart; nothing when no operation fits.
    pub(crate) fn find(method: &Method, path: &str) -> Option<Self> {
        let segments: Vec<String> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let apis = segments.iter().position(|segment| segment == "_apis")?;
        let (before, after) = (segments.get(..apis)?, segments.get(apis + 1..)?);
        let collection = before.first()?.clone();
        let project = before.get(1).cloned();
        let lower: Vec<String> = after.iter().map(|segment| segment.to_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let (operation, variable) = match_segments(method, &lower)?;
        let arguments = variable.iter().filter_map(|position| after.get(*position).cloned()).collect();
        Some(Self { operation, collection, project, arguments })
    }
}

/// The operation and the positions of its variable segments.
fn match_segments(method: &Method, segments: &[&str]) -> Option<(Operation, &'static [usize])> {
    let (area, rest) = segments.split_first()?;
    match *area {
        "hooks" => match_hooks(method, rest),
        "wit" => match_work_items(method, rest),
        _ if *method == Method::GET => match_people(segments),
        _ => None,
    }
}

fn match_hooks(method: &Method, segments: &[&str]) -> Option<(Operation, &'static [usize])> {
    use Operation as O;
    Some(match (method.as_str(), segments) {
        ("GET", ["subscriptions"]) => (O::ListSubscriptions, &[]),
        ("POST", ["subscriptions"]) => (O::CreateSubscription, &[]),
        ("GET", ["subscriptions", _]) => (O::GetSubscription, &[2]),
        ("PUT", ["subscriptions", _]) => (O::ReplaceSubscription, &[2]),
        ("DELETE", ["subscriptions", _]) => (O::DeleteSubscription, &[2]),
        ("GET", ["subscriptions", _, "notifications"]) => (O::ListNotifications, &[2]),
        ("GET", ["subscriptions", _, "notifications", _]) => (O::GetNotification, &[2, 4]),
        ("POST", ["subscriptionsquery"]) => (O::QuerySubscriptions, &[]),
        ("POST", ["testnotifications"]) => (O::TestNotification, &[]),
        _ => return None,
    })
}

fn match_work_items(method: &Method, segments: &[&str]) -> Option<(Operation, &'static [usize])> {
    use Operation as O;
    Some(match (method.as_str(), segments) {
        ("GET", ["workitems"]) => (O::ListWorkItems, &[]),
        ("POST", ["workitems", kind]) if kind.starts_with('$') => (O::CreateWorkItem, &[2]),
        ("GET", ["workitems", _]) => (O::GetWorkItem, &[2]),
        ("PATCH", ["workitems", _]) => (O::PatchWorkItem, &[2]),
        ("DELETE", ["workitems", _]) => (O::DeleteWorkItem, &[2]),
        ("POST", ["wiql"]) => (O::QueryByWiql, &[]),
        ("POST", ["workitemsbatch"]) => (O::WorkItemsBatch, &[]),
        ("GET", ["recyclebin", _]) => (O::GetDeletedWorkItem, &[2]),
        ("PATCH", ["recyclebin", _]) => (O::RestoreWorkItem, &[2]),
        ("GET", ["workitems", _, "revisions"]) => (O::ListRevisions, &[2]),
        ("GET", ["workitems", _, "revisions", _]) => (O::GetRevision, &[2, 4]),
        ("GET", ["workitems", _, "updates"]) => (O::ListUpdates, &[2]),
        ("GET", ["workitems", _, "updates", _]) => (O::GetUpdate, &[2, 4]),
        ("GET", ["workitems", _, "comments"]) => (O::ListComments, &[2]),
        ("POST", ["workitems", _, "comments"]) => (O::AddComment, &[2]),
        ("GET", ["workitemtypes"]) => (O::ListWorkItemTypes, &[]),
        ("GET", ["workitemtypes", _]) => (O::GetWorkItemType, &[2]),
        ("GET", ["workitemtypes", _, "states"]) => (O::ListStates, &[2]),
        _ => return None,
    })
}

fn match_people(segments: &[&str]) -> Option<(Operation, &'static [usize])> {
    use Operation as O;
    Some(match segments {
        ["projects"] => (O::ListProjects, &[]),
        ["projects", _] => (O::GetProject, &[1]),
        ["projects", _, "teams"] => (O::ListTeams, &[1]),
        ["projects", _, "teams", _, "members"] => (O::ListTeamMembers, &[1, 3]),
        ["graph", "users"] => (O::ListGraphUsers, &[]),
        ["graph", "users", _] => (O::GetGraphUser, &[2]),
        ["identities"] => (O::ListIdentities, &[]),
        ["connectiondata"] => (O::ConnectionData, &[]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_matched_whatever_its_case_with_or_without_a_project() {
        let route = Route::find(&Method::GET, "/fabrikam/My%20Project/_apis/wit/workItems/7/Revisions/2").unwrap();
        assert_eq!(route.operation, Operation::GetRevision);
        assert_eq!(route.collection, "fabrikam");
        assert_eq!(route.project.as_deref(), Some("My Project"));
        assert_eq!(route.arguments, ["7", "2"]);
        let route = Route::find(&Method::PATCH, "/fabrikam/_apis/wit/workitems/7").unwrap();
        assert_eq!((route.operation, route.project), (Operation::PatchWorkItem, None));
        assert_eq!(Route::find(&Method::POST, "/fabrikam/_apis/nothing"), None);
        assert_eq!(Route::find(&Method::GET, "/fabrikam"), None);
    }
}
