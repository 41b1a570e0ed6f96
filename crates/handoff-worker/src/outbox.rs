//! Carries out a lane of the outbox: every task at least once, under a lease with a fencing token; claimed
//! in one short transaction, done without one, recorded in another. No task outlives its lease. Messages are
//! one replica's at a time.

use crate::defect::{PANICKED, task_failed, unless_it_panics};
use crate::turn::Turn;
use crate::{AFTER_FAILURE, POLL, Workers};
use futures::future::join_all;
use handoff_domain::outbox::{ClaimedTask, Lane};
use handoff_domain::port::StoreError;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Tasks of a lane in hand at a time. Of those that read whole projects only a few: what they ask of an
/// installation's Azure DevOps stands in line before everybody else's questions.
const fn in_hand(lane: Lane) -> usize {
    match lane {
        Lane::Messages | Lane::Tracker => 8,
        Lane::Reconcile => 2,
    }
}

/// What is left of a lease when an attempt is cut, to record that.
const MARGIN: Duration = Duration::from_secs(10);
/// Calls that an attempt may make one after another, each as long as it may be, before it is cut.
const CALLS: u32 = 3;

/// How long a task may take before another worker does it. A reconcile reads a whole project.
const fn lease(lane: Lane) -> Duration {
    match lane {
        Lane::Messages => Duration::from_secs(120),
        Lane::Tracker | Lane::Reconcile => Duration::from_secs(600),
    }
}

/// How long a call may be waited for in a lane, so that an attempt ends before its lease does.
#[must_use]
pub fn longest_call(lane: Lane) -> Duration {
    Duration::from_secs((lease(lane) - MARGIN).as_secs() / u64::from(CALLS))
}

/// Keeps its hand full while there is work: claims as many as it has room for, whenever one ends.
pub(crate) async fn run(workers: &Workers, lane: Lane, stop: &CancellationToken) {
    // Tasks of their own: one that has a transaction open goes on while the next ones are claimed.
    let mut hand = JoinSet::new();
    let mut turn = Turn::of(lane);
    while !stop.is_cancelled() {
        let period = match claim_in_turn(workers, lane, &mut turn, &mut hand, stop).await {
            Ok(claimed) => {
                for task in claimed {
                    let workers = workers.clone();
                    hand.spawn(async move { carry_out(&workers, task).await });
                }
                POLL
            }
            Err(error) => {
                tracing::warn!(%error, queue = lane.as_str(), "a queue waits: the store failed");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            Some(_) = hand.join_next() => while hand.try_join_next().is_some() {},
            () = workers.wake.of(lane).notified() => {}
            () = workers.clock.sleep(period) => {}
            () = stop.cancelled() => {}
        }
    }
    while !hand.is_empty() {
        // A store that fails now ends nothing, as long as the turn is ours for certain.
        let _ = keep(&mut turn, workers, &mut hand).await;
        tokio::select! {
            Some(_) = hand.join_next() => {}
            () = workers.clock.sleep(POLL) => {}
        }
    }
    turn.end(workers).await;
}

/// What is in hand.
type Hand = JoinSet<Result<(), StoreError>>;

/// Whether it is our turn. Where it is not any more, what is in hand is ended: its leases give it to whoever's
/// turn it is.
async fn keep(turn: &mut Turn, workers: &Workers, hand: &mut Hand) -> Result<bool, StoreError> {
    let is_ours = turn.is_ours(workers).await;
    if !turn.is_certain(workers.clock.now()) {
        hand.abort_all();
    }
    is_ours
}

/// Claims what there is room for, if it is our turn.
async fn claim_in_turn(
    workers: &Workers,
    lane: Lane,
    turn: &mut Turn,
    hand: &mut Hand,
    stop: &CancellationToken,
) -> Result<Vec<ClaimedTask>, StoreError> {
    match keep(turn, workers, hand).await? {
        true => claim(workers, lane, in_hand(lane) - hand.len(), stop).await,
        false => Ok(Vec::new()),
    }
}

/// Claims up to `room` tasks. What is claimed while stopping is given back at once.
async fn claim(
    workers: &Workers,
    lane: Lane,
    room: usize,
    stop: &CancellationToken,
) -> Result<Vec<ClaimedTask>, StoreError> {
    if room == 0 {
        return Ok(Vec::new());
    }
    let now = workers.clock.now();
    let limit = u16::try_from(room).unwrap_or(u16::MAX);
    let mut claimed = workers.outbox.claim(lane, now, now.plus(lease(lane)), limit).await?;
    if stop.is_cancelled() {
        for task in claimed.drain(..) {
            workers.outbox.fail(task.id, task.token, now, "not begun: the process was stopped", false).await?;
        }
    }
    Ok(claimed)
}

/// Carries out what is due now, a hand full of each lane; says how much that was.
pub(crate) async fn round(workers: &Workers) -> Result<usize, StoreError> {
    let going_on = CancellationToken::new();
    let mut tasks = Vec::new();
    let mut turn = Turn::of(Lane::Messages);
    for lane in Lane::ALL {
        if lane != Lane::Messages || turn.is_ours(workers).await? {
            tasks.extend(claim(workers, lane, in_hand(lane), &going_on).await?);
        }
    }
    let claimed = tasks.len();
    let endings = join_all(tasks.into_iter().map(|task| carry_out(workers, task))).await;
    turn.end(workers).await;
    endings.into_iter().collect::<Result<Vec<()>, StoreError>>()?;
    Ok(claimed)
}

async fn carry_out(workers: &Workers, task: ClaimedTask) -> Result<(), StoreError> {
    let limit = lease(task.task.lane()) - MARGIN;
    carry_out_within(workers, &task, limit).await
}

/// Carries out a task; a panic and an attempt that is cut are failures of it.
pub(crate) async fn carry_out_within(workers: &Workers, task: &ClaimedTask, limit: Duration) -> Result<(), StoreError> {
    let kind = task.task.kind();
    metrics::counter!("handoff_outbox_attempts_total", "task" => kind).increment(1);
    let ended = match timeout(limit, unless_it_panics(workers.carry_out.carry_out(task))).await {
        Ok(Some(ended)) => ended,
        Ok(None) => task_failed(workers, task, PANICKED).await,
        Err(_) => task_failed(workers, task, &format!("it was cut after {} s", limit.as_secs())).await,
    };
    if let Err(error) = &ended {
        tracing::warn!(%error, row = %task.id, task = kind, "how a task ended was not recorded");
    }
    ended
}
