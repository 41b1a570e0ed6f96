//! From a work item as it was sent to a snapshot: the one place where fields get their meaning.

use crate::json::Loose;
use crate::wire::{Fields, Identity, Links, WorkItem};
use handoff_domain::id::{Revision, WorkItemNumber};
use handoff_domain::person::Person;
use handoff_domain::port::tracker::DecodeError;
use handoff_domain::text::tamed;
use handoff_domain::time::Timestamp;
use handoff_domain::work_item::{AzureProjectId, Snapshot};
use std::collections::HashSet;
use url::Url;

/// Longest address of a page that is kept, in bytes.
const MAX_URL: usize = 2048;

/// What is known beside the work item itself.
#[derive(Debug, Default)]
pub(crate) struct Beside<'a> {
    /// The project, where something better than the item's own address tells it.
    pub(crate) azure_project: Option<AzureProjectId>,
    /// The revision, for an item that does not tell its own.
    pub(crate) rev: Option<&'a Loose>,
    /// Who made the revision, as an object.
    pub(crate) revised_by: Option<Person>,
    /// Links, for an item without links for people.
    pub(crate) links: Option<&'a Loose<Links>>,
    /// The collection's address with a trailing slash.
    pub(crate) base_url: Option<&'a str>,
}

/// Builds a snapshot; `None` when the item does not hold all that one needs, and must be read.
///
/// # Errors
/// [`DecodeError`] naming a field of the wrong type.
pub(crate) fn snapshot(
    number: WorkItemNumber,
    item: &WorkItem,
    beside: Beside<'_>,
) -> Result<Option<Snapshot>, DecodeError> {
    if !matches!(item.id, Loose::Nothing) && item.id.integer() != Some(number.get()) {
        return Err(wrong("id", "is not the number of the work item"));
    }
    let Some(fields) = fields_of(item)? else { return Ok(None) };
    let rev = if matches!(item.rev, Loose::Nothing) { beside.rev.unwrap_or(&item.rev) } else { &item.rev };
    let revision = rev.integer().and_then(Revision::from_wire).ok_or_else(|| wrong("rev", "is not a revision"))?;
    let title = text("System.Title", &fields.title, Snapshot::MAX_TITLE)?;
    let work_item_type = text("System.WorkItemType", &fields.work_item_type, Snapshot::MAX_WORD)?;
    let state = text("System.State", &fields.state, Snapshot::MAX_WORD)?;
    let assignee = person("System.AssignedTo", &fields.assigned_to)?;
    let area_path = text("System.AreaPath", &fields.area_path, Snapshot::MAX_AREA_PATH)?;
    let tags = tags_of(&fields.tags)?;
    let changed_by = person("System.ChangedBy", &fields.changed_by)?;
    let changed_at = date("System.ChangedDate", &fields.changed_date)?;
    let (Some(title), Some(work_item_type), Some(state)) = (title, work_item_type, state) else {
        return Ok(None);
    };
    let azure_project = beside.azure_project.or_else(|| item.url.text().and_then(project_in));
    let page = [Some(&item.links), beside.links].into_iter().flatten().find_map(html);
    let page = page.or_else(|| page_beside(item.url.text()?, number));
    let page = page.or_else(|| built_page(beside.base_url?, azure_project.as_ref(), number));
    let known = beside.revised_by.as_ref();
    Ok(Some(Snapshot {
        number,
        revision,
        title,
        work_item_type,
        state,
        assignee: assignee.map(|person| person.enriched_by(known)),
        area_path: area_path.filter(|path| !path.is_empty()),
        tags,
        changed_by: changed_by.map(|person| person.enriched_by(known)).or_else(|| known.cloned()),
        changed_at,
        url: page,
        azure_project,
    }))
}

fn wrong(field: &str, how: &str) -> DecodeError {
    DecodeError(format!("{field} {how}"))
}

fn fields_of(item: &WorkItem) -> Result<Option<&Fields>, DecodeError> {
    match &item.fields {
        Loose::Nothing => Ok(None),
        Loose::Object(fields) => Ok(Some(fields)),
        _ => Err(wrong("fields", "is not an object")),
    }
}

fn text(field: &str, value: &Loose, max: usize) -> Result<Option<String>, DecodeError> {
    match value {
        Loose::Nothing => Ok(None),
        Loose::Text(text) => Ok(Some(tamed(text, max))),
        _ => Err(wrong(field, "is not a text")),
    }
}

/// The tags of `a; b`. Azure DevOps compares them without regard to case, and so is each kept once.
fn tags_of(value: &Loose) -> Result<Vec<String>, DecodeError> {
    let list = match value {
        Loose::Nothing => return Ok(Vec::new()),
        Loose::Text(list) => list,
        _ => return Err(wrong("System.Tags", "is not a text")),
    };
    let mut seen = HashSet::new();
    let tags = list.split(';').map(|tag| tamed(tag.trim(), Snapshot::MAX_TAG));
    let tags = tags.filter(|tag| !tag.is_empty() && seen.insert(tag.to_lowercase()));
    Ok(tags.take(Snapshot::MAX_TAGS).collect())
}

fn person(field: &str, value: &Loose<Identity>) -> Result<Option<Person>, DecodeError> {
    value.person().map_err(|_| wrong(field, "is not a person"))
}

/// A date that is not one is unknown: it decides nothing that the revision does not decide first.
fn date(field: &str, value: &Loose) -> Result<Option<Timestamp>, DecodeError> {
    match value {
        Loose::Nothing => Ok(None),
        Loose::Text(text) => Ok(Timestamp::parse_rfc3339(text)),
        _ => Err(wrong(field, "is not a date")),
    }
}

/// The project's GUID in the address of a work item: the segment before `_apis`. Older Servers leave
/// it out.
pub(crate) fn project_in(url: &str) -> Option<AzureProjectId> {
    let (before, _) = url.split_once("/_apis/")?;
    AzureProjectId::parse(before.rsplit('/').next()?)
}

fn html(links: &Loose<Links>) -> Option<String> {
    page(links.object()?.html.object()?.href.text()?)
}

/// The page for people, which is beside the item's own address.
fn page_beside(url: &str, number: WorkItemNumber) -> Option<String> {
    let (before, _) = url.split_once("/_apis/")?;
    page(&format!("{before}/_workitems/edit/{number}"))
}

fn built_page(base_url: &str, project: Option<&AzureProjectId>, number: WorkItemNumber) -> Option<String> {
    let slash = if base_url.ends_with('/') { "" } else { "/" };
    let project = project.map(|project| format!("{}/", project.as_str())).unwrap_or_default();
    page(&format!("{base_url}{slash}{project}_workitems/edit/{number}"))
}

/// An address that may be shown as a link: http or https, bounded, encoded.
fn page(text: &str) -> Option<String> {
    if text.len() > MAX_URL {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let shown = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    shown.then(|| String::from(url)).filter(|url| url.len() <= MAX_URL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_is_in_the_address_where_the_server_puts_it_there() {
        let guid = "8d3c2e1a-0000-4000-8000-000000000001";
        let cases = [
            (format!("https://dev.azure.com/contoso/{guid}/_apis/wit/workItems/7"), Some(guid)),
            ("https://tfs/tfs/Default/_apis/wit/workItems/7".to_owned(), None),
            ("nonsense".to_owned(), None),
        ];
        for (url, expected) in cases {
            assert_eq!(project_in(&url).as_ref().map(AzureProjectId::as_str), expected, "{url}");
        }
    }

    #[test]
    fn tags_are_told_apart_by_semicolons_and_bounded() {
        let read = |list: &str| tags_of(&Loose::Text(list.to_owned())).unwrap();
        for (list, expected) in [
            ("", &[][..]),
            (" ; ;", &[]),
            ("a", &["a"]),
            ("Backend; urgent ;a, b", &["Backend", "urgent", "a, b"]),
            ("urgent; URGENT; x\u{0}y", &["urgent", "x y"]),
        ] {
            assert_eq!(read(list), expected, "{list}");
        }
        let many: Vec<String> = (0..1000).map(|n| format!("{n}{}", "x".repeat(1000))).collect();
        let kept = read(&many.join("; "));
        assert_eq!(kept.len(), Snapshot::MAX_TAGS);
        assert!(kept.iter().all(|tag| tag.chars().count() == Snapshot::MAX_TAG));
        assert_eq!(tags_of(&Loose::Nothing), Ok(Vec::new()));
        assert!(tags_of(&Loose::Integer(7)).is_err());
    }

    #[test]
    fn a_page_is_an_http_address_and_nothing_else() {
        for bad in ["javascript:alert(1)", "file:///etc/passwd", "not one", "https://user:x@host/a"] {
            assert_eq!(page(bad), None, "{bad}");
        }
        assert_eq!(page("https://h/a b\">").as_deref(), Some("https://h/a%20b%22%3E"));
        assert_eq!(page(&format!("https://h/{}", "a".repeat(MAX_URL))), None);
    }

    #[test]
    fn without_links_the_page_is_beside_the_items_own_address_or_built() {
        let number = WorkItemNumber::new(7);
        assert_eq!(
            page_beside("https://h/c/p/_apis/wit/workItems/7/revisions/2", number).as_deref(),
            Some("https://h/c/p/_workitems/edit/7")
        );
        assert_eq!(built_page("https://h/c", None, number).as_deref(), Some("https://h/c/_workitems/edit/7"));
    }
}
