//! Comment: what somebody says about a group is kept in its history, and said in the discussion of every
//! linked work item whose installation takes comments.
//!
//! Each comment carries a reference of its own, by which a later attempt sees that an earlier one arrived.

use super::assignments::{About, locked, look_around};
use super::change_set::ChangeSet;
use super::connection::{connected_project, connection};
use super::create_work_item::marker_of;
use super::error::{UseCaseError, rerun};
use super::link_work_item::LinkWorkItem;
use super::send_message::Sent;
use crate::assignee::{ActivityKind, ChangeSource};
use crate::id::{ActivityId, GroupId, InstallationId, OrganizationId, OutboxId, WorkItemNumber};
use crate::outbox::{OutboxArm, OutboxTask};
use crate::project::Project;
use crate::work_item::AzureProjectId;

/// Longest comment, in characters.
pub const MAX_COMMENT: usize = 4000;

impl LinkWorkItem {
    /// Says something about a group, on behalf of `author` where that is known; answers the entry of the
    /// history and how many work items hear of it.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] without such a group in the organization, [`UseCaseError::Refused`] for a
    /// text that is empty or too long.
    pub async fn comment(
        &self,
        organization: OrganizationId,
        group: GroupId,
        text: &str,
        source: ChangeSource,
    ) -> Result<(ActivityId, usize), UseCaseError> {
        let text = said(text)?;
        let view = self.reader.group(organization, group).await?;
        let view = view.ok_or(UseCaseError::NotFound { what: "group" })?;
        let author = match source.actor() {
            Some(user) => self.reader.member(organization, user).await?.map(|found| found.user.name),
            None => None,
        };
        let short_id = Project::short_id(&view.project_slug, view.group.number);
        let who = author.map_or_else(String::new, |name| format!("{}, ", name.as_str()));
        let links = self.reader.links(organization, group).await?;
        let (clock, entropy) = (self.assignments.clock.as_ref(), self.assignments.entropy.as_ref());
        let ticket = self.assignments.ticket().await;
        let (activity, count, changes) = rerun(|| async {
            let mut uow = self.assignments.store.begin().await?;
            let state = locked(uow.as_mut(), organization, group).await?;
            let about = About { projects: &[state.group.project], ..About::default() };
            let around = look_around(uow.as_mut(), &about, clock, entropy).await?;
            let mut changes = ChangeSet::default();
            let activity = changes.record(&state, ActivityKind::Commented { text: text.clone() }, source, &around);
            let issues: Vec<_> = links.iter().map(|(_, issue)| issue.id).collect();
            let linked = if issues.is_empty() { Vec::new() } else { uow.links_of(&issues).await? };
            let mut rows = Vec::new();
            for one in linked.iter().filter(|one| one.link.group == group && one.toggles.comments) {
                let Some((_, issue)) = links.iter().find(|(_, issue)| issue.id == one.link.external_issue) else {
                    continue;
                };
                if issue.deleted || !state.issue_sync {
                    continue;
                }
                let id = OutboxId::generate(around.now, entropy);
                let marker = marker_of(id);
                let task = OutboxTask::AddComment {
                    group,
                    installation: one.link.installation,
                    azure_project: issue.azure_project.clone(),
                    work_item: issue.number,
                    text: format!("{text}\n\n— {who}{short_id} ({marker})"),
                    marker,
                };
                let project = Some(state.group.project);
                rows.push(OutboxArm { id, organization, project, task, due_at: around.now });
            }
            let count = rows.len();
            changes.arm_rows(rows);
            changes.write(uow.as_mut()).await?;
            uow.commit().await?;
            Ok::<_, UseCaseError>((activity, count, changes))
        })
        .await?;
        self.assignments.tell(ticket, &changes).await;
        Ok((activity, count))
    }

    /// Says it in a work item's discussion, unless an earlier attempt did.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] when the installation or the connection is gone, [`UseCaseError::Tracker`]
    /// as Azure DevOps answers.
    pub(super) async fn add_comment(
        &self,
        organization: OrganizationId,
        installation: InstallationId,
        azure_project: &AzureProjectId,
        number: WorkItemNumber,
        text: &str,
        marker: &str,
    ) -> Result<Sent, UseCaseError> {
        connected_project(self.reader.as_ref(), organization, installation, azure_project).await?;
        let at = connection(self.reader.as_ref(), self.secrets.as_ref(), organization, installation).await?;
        if !self.tracker.has_comment(&at, azure_project, number, marker).await? {
            self.tracker.add_comment(&at, azure_project, number, text).await?;
        }
        Ok(Sent::Created)
    }
}

/// The text as it is kept: control characters but line breaks and tabs become spaces.
fn said(text: &str) -> Result<String, UseCaseError> {
    let kept = |c: char| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c };
    let text: String = text.replace("\r\n", "\n").chars().map(kept).collect();
    let text = text.trim().to_owned();
    if text.is_empty() || text.chars().count() > MAX_COMMENT {
        return Err(UseCaseError::Refused(format!("a comment has 1 to {MAX_COMMENT} characters")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_keeps_its_lines_and_nothing_that_cannot_be_shown() {
        assert_eq!(said(" a\r\nb\tc\u{0}d ").ok().as_deref(), Some("a\nb\tc d"));
        assert!(said(" \n ").is_err());
        assert!(said(&"x".repeat(MAX_COMMENT)).is_ok());
        assert!(said(&"x".repeat(MAX_COMMENT + 1)).is_err());
    }
}
