//! The schema's history, in order. Forward only: expand, then contract, so that a version runs on the
//! schema of the next.

mod initial;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// Lists the migrations.
pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(initial::Initial)]
    }
}
