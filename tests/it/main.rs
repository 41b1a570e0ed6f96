//! The one integration binary: a single link for all black-box tests.

mod architecture;
mod bad_input;
mod binary;
mod conflicts;
mod connecting;
mod crashes;
mod database;
mod discord_outage;
mod disorder;
mod flow;
mod healing;
mod hooks;
mod interactions;
mod model;
mod outward;
mod people;
mod projects;
mod reconciling;
mod routes;
mod shared;
mod snowflakes;
mod store_contract;
mod tenants;
mod tracking_rules;
mod unresolved;
