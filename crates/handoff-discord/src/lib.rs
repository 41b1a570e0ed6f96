//! Discord: cards, pings and a sender that keeps to the rate limits.
