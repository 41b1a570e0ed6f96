//! What we ask of Azure DevOps, and the right that each needs.

/// Something we ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Collection,
    Projects,
    Project,
    Teams,
    TeamMembers,
    FindWorkItems,
    CreateSubscription,
    FindSubscriptions,
    Subscription,
    DeleteSubscription,
    WorkItem,
    WorkItems,
    UpdateWorkItem,
    CreateWorkItem,
    AddComment,
    Comments,
    Workflow,
    People,
}

impl Operation {
    /// The name in logs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Collection => "collection",
            Self::Projects => "projects",
            Self::Project => "project",
            Self::Teams => "teams",
            Self::TeamMembers => "team_members",
            Self::FindWorkItems => "find_work_items",
            Self::CreateSubscription => "create_subscription",
            Self::FindSubscriptions => "find_subscriptions",
            Self::Subscription => "subscription",
            Self::DeleteSubscription => "delete_subscription",
            Self::WorkItem => "work_item",
            Self::WorkItems => "work_items",
            Self::UpdateWorkItem => "update_work_item",
            Self::CreateWorkItem => "create_work_item",
            Self::AddComment => "add_comment",
            Self::Comments => "comments",
            Self::Workflow => "workflow",
            Self::People => "people",
        }
    }

    /// Whether it is still a preview, which its version must say (descriptions of 7.1).
    pub(crate) const fn is_preview(self) -> bool {
        matches!(self, Self::AddComment | Self::Comments)
    }

    /// The media type of what is sent.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::UpdateWorkItem | Self::CreateWorkItem => "application/json-patch+json",
            _ => "application/json",
        }
    }

    /// For people: the right that is missing after a 403, and where it is given.
    ///
    /// Source: Azure DevOps docs, "Service hooks permissions" and "OAuth scopes": reading and writing
    /// work items covers service hooks, whose rights Project Administrators have by default.
    pub(crate) const fn needed(self) -> &'static str {
        match self {
            Self::Collection => {
                "the token's owner must be a member of the organization or collection; give access under \
                 Organization settings, Users (on a Server: Collection settings, Security)"
            }
            Self::Projects | Self::Project | Self::Teams | Self::TeamMembers => {
                "the token needs the scope \"Project and Team (Read)\", and its owner must be a member of the \
                 project; change the scope under User settings, Personal access tokens"
            }
            Self::CreateSubscription | Self::DeleteSubscription => {
                "the token needs the scope \"Work Items (Read & write)\", and its owner the permissions \"View \
                 subscriptions\" and \"Edit subscriptions\" of the project, which Project Administrators have; add \
                 the owner under Project settings, Permissions"
            }
            Self::FindSubscriptions | Self::Subscription => {
                "the token needs the scope \"Work Items (Read & write)\", and its owner the permission \"View \
                 subscriptions\" of the project, which Project Administrators have; add the owner under Project \
                 settings, Permissions"
            }
            Self::UpdateWorkItem | Self::CreateWorkItem | Self::AddComment => {
                "the token needs the scope \"Work Items (Read & write)\", and its owner the permission \"Edit work \
                 items in this node\" of the area; give it under Project settings, Project configuration, Areas, \
                 Security"
            }
            Self::People => {
                "the token needs the scope \"Identity (Read)\"; change it under User settings, Personal access tokens"
            }
            Self::WorkItem | Self::WorkItems | Self::FindWorkItems | Self::Workflow | Self::Comments => {
                "the token needs the scope \"Work Items (Read & write)\", and its owner the permission \"View work \
                 items in this node\" of the area; give it under Project settings, Project configuration, Areas, \
                 Security"
            }
        }
    }

    /// What a 404 says is not there, where it is the thing itself and not the place.
    pub(crate) const fn thing(self) -> &'static str {
        match self {
            Self::Collection | Self::Projects => "collection",
            Self::Project | Self::Teams | Self::FindWorkItems => "project",
            Self::TeamMembers => "team",
            Self::CreateSubscription | Self::FindSubscriptions | Self::Subscription | Self::DeleteSubscription => {
                "subscription"
            }
            Self::WorkItem | Self::WorkItems | Self::UpdateWorkItem | Self::AddComment | Self::Comments => "work item",
            Self::Workflow | Self::CreateWorkItem => "type of work item",
            Self::People => "person",
        }
    }
}
