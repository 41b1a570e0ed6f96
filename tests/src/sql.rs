//! Looks into an instance's database with SQL, where nothing else can see what is left.

use crate::backing::Backing;
use sea_orm::{ConnectionTrait, Database, Statement};

/// How many rows a table has.
///
/// # Panics
/// When the database cannot be asked, or the instance has none.
pub async fn count(backing: &Backing, table: &str) -> i64 {
    count_at(&backing.url, table).await
}

/// As [`count`], in the database at this address.
///
/// # Panics
/// When the database cannot be asked.
pub async fn count_at(url: &str, table: &str) -> i64 {
    let database = Database::connect(url).await.unwrap();
    let sql = format!("SELECT count(*) AS n FROM {table}");
    let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), sql)).await.unwrap();
    let count = row.unwrap().try_get::<i64>("", "n").unwrap();
    database.close().await.unwrap();
    count
}
