//! The rules of the store in memory, as sentences.
