//! Discord: cards, pings and a sender that keeps to the rate limits.

mod card;
mod encode;
mod marker;
mod ping;
