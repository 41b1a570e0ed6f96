//! The one integration binary: a single link for all black-box tests.

mod architecture;
mod flow;
mod people;
mod tenants;
