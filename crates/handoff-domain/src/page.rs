//! Pages of a list: keyset pagination, stable while rows come and go.

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
