//! Group commit: deliveries that arrive at once share a transaction, and with it a flush to the disk.
//!
//! Promise: a caller is told that its delivery is stored only after the commit. Whoever comes while a
//! commit is under way waits in line; the first in line takes everybody with it into the next.

use crate::Database;
use crate::delivery;
use crate::error::Stored;
use handoff_domain::delivery::NewDelivery;
use handoff_domain::port::store::StoreResult;
use handoff_domain::port::{Appended, InboxError, StoreError};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Deliveries in one commit at most.
const BATCH: usize = 128;
/// Bytes of payload in one commit at most, unless a single delivery is larger.
const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// Deliveries that may wait; more are asked to come again.
const WAITING: usize = 4096;
/// Bytes of payload that may wait.
const WAITING_BYTES: usize = 256 * 1024 * 1024;
/// How often a batch is tried that lost against another transaction.
const TRIES: u32 = 3;
/// How long a caller waits for its commit; it is told then that the store is out of reach.
const ANSWERED: Duration = Duration::from_secs(5);

type Answer = Result<Appended, InboxError>;

struct Waiting {
    delivery: NewDelivery,
    answer: oneshot::Sender<Answer>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// Whether somebody commits, and will look into the line again.
    committing: bool,
}

/// The line before the next commit.
#[derive(Clone, Default)]
pub(crate) struct GroupCommit {
    line: Arc<Mutex<Line>>,
}

impl GroupCommit {
    /// Stores a delivery together with those that arrived at the same time.
    pub(crate) async fn append(&self, database: &Database, delivery: NewDelivery) -> Answer {
        let (answer, answered) = oneshot::channel();
        let bytes = delivery.payload.len();
        let leads = {
            let mut line = self.line();
            let full = line.waiting.len() >= WAITING || line.bytes + bytes > WAITING_BYTES;
            if full {
                return Err(InboxError::Overloaded);
            }
            line.bytes += bytes;
            line.waiting.push_back(Waiting { delivery, answer });
            !std::mem::replace(&mut line.committing, true)
        };
        if leads {
            // A task of its own: a caller that hangs up takes nobody's commit along.
            let (line, database) = (self.clone(), database.clone());
            tokio::spawn(async move { line.commit_all(&database).await });
        }
        let lost = || InboxError::Unavailable(StoreError::Unavailable("the commit did not end in time".to_owned()));
        match timeout(ANSWERED, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(lost()),
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what waits, as much as one commit holds; nothing when the line is empty, and then the next
    /// to come commits.
    fn next_batch(&self) -> Vec<Waiting> {
        let mut line = self.line();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(next) = line.waiting.front() {
            let more = next.delivery.payload.len();
            if batch.len() == BATCH || (!batch.is_empty() && bytes + more > BATCH_BYTES) {
                break;
            }
            bytes += more;
            batch.extend(line.waiting.pop_front());
        }
        line.bytes -= bytes;
        line.committing = !batch.is_empty();
        batch
    }

    /// Tells all that wait that the store is out of reach.
    fn refuse_waiting(&self, reason: &str) {
        let waiting = {
            let mut line = self.line();
            line.bytes = 0;
            std::mem::take(&mut line.waiting)
        };
        for one in waiting {
            let _ = one.answer.send(Err(InboxError::Unavailable(StoreError::Unavailable(reason.to_owned()))));
        }
    }

    async fn commit_all(&self, database: &Database) {
        let mut leads = Leads { commits: self, done: false };
        loop {
            let (batch, answers): (Vec<NewDelivery>, Vec<oneshot::Sender<Answer>>) =
                self.next_batch().into_iter().map(|one| (one.delivery, one.answer)).unzip();
            if batch.is_empty() {
                leads.done = true;
                return;
            }
            let said = commit(database, &batch).await;
            // Who came meanwhile has waited too, and would wait as long again to hear the same.
            let refused = said.iter().find_map(|one| match one {
                Err(StoreError::Unavailable(reason)) => Some(reason.clone()),
                _ => None,
            });
            for (answer, said) in answers.into_iter().zip(said) {
                // A caller that hung up needs no answer.
                let _ = answer.send(said.map_err(InboxError::Unavailable));
            }
            if let Some(reason) = refused {
                self.refuse_waiting(&reason);
            }
        }
    }
}

/// Whoever commits. Should that end without being done (a panic, a runtime that stops), those in line are
/// told so, and the next to come commits.
struct Leads<'a> {
    commits: &'a GroupCommit,
    done: bool,
}

impl Drop for Leads<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.commits.line().committing = false;
            self.commits.refuse_waiting("the commit was broken off");
        }
    }
}

/// Commits a batch: first what brings nothing else along, then what arms a row of the outbox, for which it
/// may have to wait.
async fn commit(database: &Database, batch: &[NewDelivery]) -> Vec<StoreResult<Appended>> {
    let arms = |new: &&NewDelivery| new.arm.is_some();
    let (arming, plain): (Vec<&NewDelivery>, Vec<&NewDelivery>) = batch.iter().partition(arms);
    if arming.is_empty() || plain.is_empty() {
        return commit_or_split(database, batch).await;
    }
    let owned = |part: Vec<&NewDelivery>| part.into_iter().cloned().collect::<Vec<NewDelivery>>();
    let mut plain = commit_or_split(database, &owned(plain)).await.into_iter();
    let mut arming = commit_or_split(database, &owned(arming)).await.into_iter();
    let missing = || Err(StoreError::Backend("no answer about a delivery".to_owned()));
    let answer = |new: &NewDelivery| if arms(&new) { arming.next() } else { plain.next() }.unwrap_or_else(missing);
    batch.iter().map(answer).collect()
}

/// Commits deliveries together; a batch that the database refuses is done again one by one, so that a bad
/// delivery keeps no other out.
async fn commit_or_split(database: &Database, batch: &[NewDelivery]) -> Vec<StoreResult<Appended>> {
    match commit_again(database, batch).await {
        Ok(stored) => stored.into_iter().map(Ok).collect(),
        Err(error @ (StoreError::Unavailable(_) | StoreError::Retry)) => {
            batch.iter().map(|_| Err(error.clone())).collect()
        }
        Err(error) if batch.len() == 1 => vec![Err(error)],
        Err(_) => {
            let mut answers = Vec::with_capacity(batch.len());
            for one in batch.chunks(1) {
                let stored = commit_again(database, one).await;
                answers.push(stored.and_then(|said| {
                    said.first().copied().ok_or_else(|| StoreError::Backend("no answer about a delivery".to_owned()))
                }));
            }
            answers
        }
    }
}

/// Commits, up to three times where another transaction was in the way.
async fn commit_again(database: &Database, batch: &[NewDelivery]) -> StoreResult<Vec<Appended>> {
    for _ in 1..TRIES {
        match commit_once(database, batch).await {
            Err(StoreError::Retry) => {}
            done => return done,
        }
    }
    commit_once(database, batch).await
}

async fn commit_once(database: &Database, batch: &[NewDelivery]) -> StoreResult<Vec<Appended>> {
    let tx = database.begin_writing().await?;
    let stored = delivery::append(&tx, batch).await?;
    tx.commit().await.stored()?;
    Ok(stored)
}
