//! What happens to work items: created, changed, deleted, restored, each with its events.

use super::changes::{self, Changes};
use super::ids::{IdentityId, ProjectId, WorkItemKey};
use super::refusal::Refusal;
use super::state::State;
use super::work_item::{Comment, Deletion, FieldValue, RelationChanges, Revision, Update, WorkItem, difference};

impl State {
    /// Creates a work item of a type of its project's process.
    pub(crate) fn create_item(
        &mut self,
        project: ProjectId,
        type_name: &str,
        changes: &Changes,
        now_us: i64,
    ) -> Result<WorkItemKey, Refusal> {
        let moment = self.moment(changes.by, now_us);
        let known = self.project(project)?;
        let (type_name, _) = known.process.work_item_type(type_name).ok_or_else(|| {
            Refusal::new(
                http::StatusCode::NOT_FOUND,
                "WorkItemTypeNotFoundException",
                format!("VS402323: Work item type {type_name} does not exist in project {}.", known.name),
            )
        })?;
        let fields = changes::first_snapshot(type_name, known.process, &known.name, changes, moment)?;
        let collection = known.collection;
        let number = {
            let collection = self.collections.get_mut(&collection).ok_or_else(Refusal::unknown_collection)?;
            collection.last_work_item += 1;
            collection.last_work_item
        };
        let key = WorkItemKey { collection, number };
        let comment = fields.get("System.History").and_then(FieldValue::as_str);
        let commented = comment.is_some();
        let comments = comment
            .map(|text| Comment { id: 1, text: text.to_owned(), by: moment.by, at_us: now_us })
            .into_iter()
            .collect();
        let update = Update {
            id: 1,
            rev: 1,
            by: moment.by,
            at_us: now_us,
            fields: difference(&super::work_item::Fields::new(), &fields),
            relations: RelationChanges { added: changes.links_added.clone(), removed: Vec::new() },
        };
        let item = WorkItem {
            key,
            project,
            first: Revision { rev: 1, at_us: now_us, fields, relations: changes.links_added.clone() },
            later: Vec::new(),
            updates: vec![update],
            comments,
            deleted: None,
        };
        self.items.insert(key, item);
        self.emit("workitem.created", key, None, now_us)?;
        if commented {
            self.emit("workitem.commented", key, None, now_us)?;
        }
        Ok(key)
    }

    /// Changes a work item. Returns whether anything differed.
    pub(crate) fn change_item(&mut self, key: WorkItemKey, changes: &Changes, now_us: i64) -> Result<bool, Refusal> {
        let moment = self.moment(changes.by, now_us);
        let process = self.project(self.item(key)?.project)?.process;
        let item = self.item_mut(key)?;
        if item.deleted.is_some() {
            return Err(Refusal::unknown_work_item(key.number));
        }
        let Some(applied) = changes::apply(item, process, changes, moment)? else {
            return Ok(false);
        };
        let update = item.updates.last().cloned();
        self.emit("workitem.updated", key, update.as_ref(), now_us)?;
        if applied.commented {
            self.emit("workitem.commented", key, None, now_us)?;
        }
        Ok(true)
    }

    /// Says whether a change would be accepted, without making it.
    pub(crate) fn check_change(&mut self, key: WorkItemKey, changes: &Changes, now_us: i64) -> Result<(), Refusal> {
        let moment = self.moment(changes.by, now_us);
        let item = self.item(key)?;
        let process = self.project(item.project)?.process;
        let mut rehearsal = WorkItem {
            key,
            project: item.project,
            first: item.latest().clone(),
            later: Vec::new(),
            updates: Vec::new(),
            comments: Vec::new(),
            deleted: None,
        };
        changes::apply(&mut rehearsal, process, changes, moment).map(drop)
    }

    /// Puts a work item into the recycle bin.
    pub(crate) fn delete_item(&mut self, key: WorkItemKey, by: Option<IdentityId>, now_us: i64) -> Result<(), Refusal> {
        if self.item(key)?.deleted.is_some() {
            return Err(Refusal::unknown_work_item(key.number));
        }
        self.mark_deleted(key, by, now_us, true)?;
        self.emit("workitem.deleted", key, None, now_us)
    }

    /// Takes a work item out of the recycle bin.
    pub(crate) fn restore_item(
        &mut self,
        key: WorkItemKey,
        by: Option<IdentityId>,
        now_us: i64,
    ) -> Result<(), Refusal> {
        if self.item(key)?.deleted.is_none() {
            return Err(Refusal::unknown_work_item(key.number));
        }
        self.mark_deleted(key, by, now_us, false)?;
        self.emit("workitem.restored", key, None, now_us)
    }

    /// Both ways make a revision, in which only `System.IsDeleted` differs.
    fn mark_deleted(
        &mut self,
        key: WorkItemKey,
        by: Option<IdentityId>,
        now_us: i64,
        deleted: bool,
    ) -> Result<(), Refusal> {
        let moment = self.moment(by, now_us);
        let process = self.project(self.item(key)?.project)?.process;
        let mut change = Changes::default();
        change.put("System.IsDeleted", deleted.then(|| true.into()));
        let item = self.item_mut(key)?;
        changes::apply(item, process, &change, moment)?;
        item.deleted = deleted.then_some(Deletion { by: moment.by, at_us: now_us });
        Ok(())
    }
}
