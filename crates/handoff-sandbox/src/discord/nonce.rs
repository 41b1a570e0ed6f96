//! The nonces of recent messages, unique for their author (Discord docs, create message).

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::id::Snowflake;
use crate::clock::micros;

/// A message that was created with a nonce. It may have been deleted since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Created {
    pub(super) channel: Snowflake,
    pub(super) message: Snowflake,
}

type Key = (Snowflake, String);

/// Nonces by author, forgotten when their window is over.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    recent: HashMap<Key, Created>,
    order: VecDeque<(i64, Key)>,
}

impl Nonces {
    /// The message that `author` created with `nonce` inside the window.
    pub(super) fn find(&mut self, author: Snowflake, nonce: &str, window: Duration, now_us: i64) -> Option<Created> {
        self.forget(now_us - micros(window));
        self.recent.get(&(author, nonce.to_owned())).copied()
    }

    /// Remembers a message's nonce. The first message with it stays the one that is found.
    pub(super) fn remember(&mut self, author: Snowflake, nonce: String, created: Created, now_us: i64) {
        let key = (author, nonce);
        if !self.recent.contains_key(&key) {
            self.recent.insert(key.clone(), created);
            self.order.push_back((now_us, key));
        }
    }

    fn forget(&mut self, before_us: i64) {
        while let Some((at_us, _)) = self.order.front()
            && *at_us <= before_us
        {
            if let Some((_, key)) = self.order.pop_front() {
                self.recent.remove(&key);
            }
        }
    }
}
