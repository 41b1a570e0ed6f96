//! Statements that sea-orm's builder does not say well, with values always bound.

use crate::error::Stored;
use handoff_domain::port::store::StoreResult;
use sea_orm::{ConnectionTrait, ExecResult, FromQueryResult, QueryResult, Statement, Value};
use uuid::Uuid;

/// Rows in one statement at most: far below what either database binds (SQLite 32,766 values,
/// PostgreSQL 65,535).
pub(crate) const CHUNK: usize = 500;

/// A statement in the making.
#[derive(Debug, Default)]
pub(crate) struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    /// Begins with this text.
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Appends text of ours: what comes from elsewhere can only be bound.
    pub(crate) fn text(mut self, text: &'static str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Appends a value. Both databases know `$1`.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Appends `(…, …)`; of no values, a list that nothing is in. The last value is repeated up to a power
    /// of two, so that a connection prepares a dozen lists and not one for each length.
    pub(crate) fn list<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        let mut values: Vec<Value> = values.into_iter().map(Into::into).collect();
        let Some(last) = values.last().cloned() else { return self.text("(NULL)") };
        values.resize(values.len().next_power_of_two(), last);
        for (position, value) in values.into_iter().enumerate() {
            self = self.text(if position == 0 { "(" } else { ", " }).bind(value);
        }
        self.text(")")
    }

    /// Appends `(…), (…)`, each filled by `row`.
    pub(crate) fn rows<T>(mut self, rows: &[T], row: impl Fn(Self, &T) -> Self) -> Self {
        for (position, one) in rows.iter().enumerate() {
            self = row(self.text(if position == 0 { "(" } else { ", (" }), one).text(")");
        }
        self
    }

    fn statement(self, on: &impl ConnectionTrait) -> Statement {
        Statement::from_sql_and_values(on.get_database_backend(), self.text, self.values)
    }

    /// Runs it.
    pub(crate) async fn run(self, on: &impl ConnectionTrait) -> StoreResult<ExecResult> {
        on.execute_raw(self.statement(on)).await.stored()
    }

    /// Runs it; how many rows it touched.
    pub(crate) async fn count(self, on: &impl ConnectionTrait) -> StoreResult<u64> {
        self.run(on).await.map(|done| done.rows_affected())
    }

    /// Runs it; its first row.
    pub(crate) async fn one(self, on: &impl ConnectionTrait) -> StoreResult<Option<QueryResult>> {
        on.query_one_raw(self.statement(on)).await.stored()
    }

    /// Runs it; its rows.
    pub(crate) async fn all(self, on: &impl ConnectionTrait) -> StoreResult<Vec<QueryResult>> {
        on.query_all_raw(self.statement(on)).await.stored()
    }

    /// Runs it; its rows as what they are rows of.
    pub(crate) async fn models<M: FromQueryResult>(self, on: &impl ConnectionTrait) -> StoreResult<Vec<M>> {
        self.all(on).await?.iter().map(|row| M::from_query_result(row, "").stored()).collect()
    }
}

/// The ids in a column of that name, in order.
pub(crate) fn ids(rows: &[QueryResult]) -> StoreResult<Vec<Uuid>> {
    rows.iter().map(|row| row.try_get("", "id").stored()).collect()
}

/// ` FOR UPDATE` and its like where rows are locked one by one; SQLite locks everything at `BEGIN IMMEDIATE`.
pub(crate) fn locking(on: &impl ConnectionTrait, clause: &'static str) -> &'static str {
    match on.get_database_backend() {
        sea_orm::DbBackend::Postgres => clause,
        _ => "",
    }
}
