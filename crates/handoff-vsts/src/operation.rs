//! What we ask of Azure DevOps, and the right that each needs.

/// Something we ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Collection,
    Projects,
    Project,
    CreateSubscription,
    FindSubscriptions,
    Subscription,
    DeleteSubscription,
    WorkItem,
    WorkItems,
    UpdateWorkItem,
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
            Self::CreateSubscription => "create_subscription",
            Self::FindSubscriptions => "find_subscriptions",
            Self::Subscription => "subscription",
            Self::DeleteSubscription => "delete_subscription",
            Self::WorkItem => "work_item",
            Self::WorkItems => "work_items",
            Self::UpdateWorkItem => "update_work_item",
            Self::Workflow => "workflow",
            Self::People => "people",
        }
    }

    /// The media type of what is sent.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::UpdateWorkItem => "application/json-patch+json",
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
            Self::Projects | Self::Project => {
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
            Self::UpdateWorkItem => {
                "the token needs the scope \"Work Items (Read & write)\", and its owner the permission \"Edit work \
                 items in this node\" of the area; give it under Project settings, Project configuration, Areas, \
                 Security"
            }
            Self::People => {
                "the token needs the scope \"Identity (Read)\"; change it under User settings, Personal access tokens"
            }
            Self::WorkItem | Self::WorkItems | Self::Workflow => {
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
            Self::Project => "project",
            Self::CreateSubscription | Self::FindSubscriptions | Self::Subscription | Self::DeleteSubscription => {
                "subscription"
            }
            Self::WorkItem | Self::WorkItems | Self::UpdateWorkItem => "work item",
            Self::Workflow => "type of work item",
            Self::People => "person",
        }
    }
}
