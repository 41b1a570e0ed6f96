//! The router, called without a socket over a store in memory; and the server, over one.

mod api;
mod authorization;
mod bodies;
mod interactions;
mod server;
mod webhooks;
mod world;
