//! The one integration binary: a single link for all black-box tests.

mod architecture;
mod bad_input;
mod binary;
mod conflicts;
mod crashes;
mod database;
mod disorder;
mod flow;
mod healing;
mod hooks;
mod model;
mod outward;
mod people;
mod projects;
mod reconciling;
mod snowflakes;
mod store_contract;
mod tenants;
