//! The one integration binary: a single link for all black-box tests.

mod architecture;
mod binary;
mod database;
mod projects;
mod snowflakes;
mod store_contract;
