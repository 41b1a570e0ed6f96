//! Pages of a list: keyset pagination, stable while rows come and go.

use std::future::Future;

/// A page asked for: the rows after a key, in the list's own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest<K> {
    /// The key of the last row already seen.
    pub after: Option<K>,
    /// At most this many rows, between 1 and [`PageRequest::MAX`].
    pub limit: u16,
}

impl<K> PageRequest<K> {
    /// The largest page.
    pub const MAX: u16 = 100;
    /// The usual page.
    pub const DEFAULT: u16 = 50;

    /// The first page of the usual size.
    #[must_use]
    pub const fn first() -> Self {
        Self { after: None, limit: Self::DEFAULT }
    }
}

/// A page of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Whether there are more behind the last one.
    pub more: bool,
}

impl<T> Page<T> {
    /// Makes a page of rows that were asked for with one more than `limit`.
    #[must_use]
    pub fn from_one_more(mut items: Vec<T>, limit: u16) -> Self {
        let more = items.len() > usize::from(limit);
        items.truncate(usize::from(limit));
        Self { items, more }
    }
}

/// Every row of a list, asked for in the largest pages. `key` says where the next one begins. Only for lists
/// that people make: they fit in memory.
///
/// # Errors
/// As `ask`.
pub async fn all<T, K, E, Fut>(
    key: impl Fn(&T) -> K + Send,
    mut ask: impl FnMut(PageRequest<K>) -> Fut + Send,
) -> Result<Vec<T>, E>
where
    T: Send,
    Fut: Future<Output = Result<Page<T>, E>> + Send,
{
    let mut rows: Vec<T> = Vec::new();
    loop {
        let after = rows.last().map(&key);
        let page = ask(PageRequest { after, limit: PageRequest::<K>::MAX }).await?;
        let is_last = !page.more || page.items.is_empty();
        rows.extend(page.items);
        if is_last {
            return Ok(rows);
        }
    }
}
