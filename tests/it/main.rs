//! The one integration binary: a single link for all black-box tests.

mod architecture;
mod disorder;
mod flow;
mod people;
mod tenants;
