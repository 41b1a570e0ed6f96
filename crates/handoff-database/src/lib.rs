//! The store of Handoff on SQLite and PostgreSQL.
