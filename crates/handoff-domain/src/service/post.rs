//! Post: the webhook endpoint, without its HTTP. Authenticates before anything is parsed, classifies,
//! stores durably, and says what to answer.
//!
//! Once a caller is authenticated the answer is 2xx, 410 or 503 and nothing else: any other failure
//! puts the hook on probation, and Azure DevOps then drops events (its documentation, "Troubleshoot
//! service hooks").

use super::said::Said;
use crate::delivery::{DeliveryState, NewDelivery, idempotency_key};
use crate::hook::{Hook, HookStatus};
use crate::id::{DeliveryId, HookId, OutboxId};
use crate::outbox::{OutboxArm, OutboxTask};
use crate::port::tracker::Classified;
use crate::port::{
    Appended, Clock, Entropy, InboundHeaders, Inbox, InboxError, Reader, SecretBox, SecretBoxError, StoreError,
    TrackerInbound, Wake,
};
use crate::secret::{Sealed, Secret};
use crate::text::tamed;
use crate::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The largest body that is stored whole, in bytes.
pub const MAX_BODY: usize = 16 * 1024 * 1024;
/// How much is kept of a body that is larger, in bytes.
pub const KEPT_OF_OVERSIZED: usize = 64 * 1024;
/// How long an opened secret is remembered, and with it where the hook stood: for at most so long another
/// replica still takes in what a hook brings that was deleted meanwhile. That harms nothing, since the
/// mirror orders it, and Azure DevOps hears 410 after.
pub const SECRET_LIFETIME: Duration = Duration::from_secs(60);
/// How many opened secrets are remembered.
pub const MAX_SECRETS: usize = 4096;

/// What the decoy is sealed for, in the place of a hook's id.
const DECOY: &[u8] = b"no hook has it";

/// What to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 200: stored.
    Stored(Appended),
    /// 200: stored, and rightly of no use to us.
    Ignored,
    /// 200: stored, not understood; a reconcile of the project is due.
    Quarantined,
    /// 401, the same for whatever reason.
    Unauthorized,
    /// 410: a hook that we deleted; Azure DevOps disables it at once.
    Gone,
    /// 503 with `Retry-After`: come again.
    Unavailable,
}

/// A hook that the caller proved to be.
#[derive(Debug, Clone)]
pub struct AuthenticatedHook {
    hook: Arc<Hook>,
    collection_id: Arc<str>,
}

/// A body as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// All of it, at most [`MAX_BODY`] bytes.
    Whole(Vec<u8>),
    /// The first [`KEPT_OF_OVERSIZED`] bytes of a larger one.
    Oversized(Vec<u8>),
}

#[derive(Clone)]
struct Known {
    hook: AuthenticatedHook,
    secret: Secret,
    until: Timestamp,
}

/// Receives deliveries.
pub struct Post {
    reader: Arc<dyn Reader>,
    inbox: Arc<dyn Inbox>,
    inbound: Arc<dyn TrackerInbound>,
    secrets: Arc<dyn SecretBox>,
    wake: Arc<dyn Wake>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    known: Mutex<HashMap<HookId, Known>>,
    decoy: Secret,
    sealed_decoy: Sealed,
    said_store: Said,
    said_secret: Said,
    said_full: Said,
}

impl Post {
    /// Receives into `inbox`.
    #[must_use]
    pub fn new(
        reader: Arc<dyn Reader>,
        inbox: Arc<dyn Inbox>,
        inbound: Arc<dyn TrackerInbound>,
        secrets: Arc<dyn SecretBox>,
        wake: Arc<dyn Wake>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let mut random = [0_u8; 32];
        entropy.fill(&mut random);
        let decoy = Secret::new(random.iter().map(|b| format!("{b:02x}")).collect::<String>());
        // Where nothing can be sealed nothing can be opened either, and every hook is answered alike.
        let sealed_decoy = secrets.seal(&decoy, DECOY).unwrap_or_else(|_| Sealed(random.to_vec()));
        Self {
            reader,
            inbox,
            inbound,
            secrets,
            wake,
            clock,
            entropy,
            known: Mutex::default(),
            decoy,
            sealed_decoy,
            said_store: Said::default(),
            said_secret: Said::default(),
            said_full: Said::default(),
        }
    }

    /// Checks who is calling, by the headers alone and in constant time. A remembered secret that
    /// misses or mismatches is read again from the store before the caller is refused.
    ///
    /// # Errors
    /// The [`Answer`] to give.
    pub async fn authenticate(&self, id: HookId, headers: &InboundHeaders) -> Result<AuthenticatedHook, Answer> {
        if let Some(known) = self.remembered(id)
            && self.inbound.authenticate(headers, &known.secret)
        {
            return Self::unless_gone(known.hook);
        }
        let Some((hook, collection_id)) = self.reader.hook(id).await.map_err(|error| self.no_store(id, &error))? else {
            return Err(self.refuse_unknown(headers));
        };
        let secret =
            self.secrets.open(&hook.secret, id.get().as_bytes()).map_err(|error| self.no_secret(id, &error))?;
        if !self.inbound.authenticate(headers, &secret) {
            return Err(Answer::Unauthorized);
        }
        let hook = AuthenticatedHook { hook: Arc::new(hook), collection_id: collection_id.into() };
        self.remember(id, Known { hook: hook.clone(), secret, until: self.clock.now().plus(SECRET_LIFETIME) });
        Self::unless_gone(hook)
    }

    /// Like [`Post::authenticate`], for the text of an address: what is no id at all takes the way of an
    /// unknown one, the question to the store included.
    ///
    /// # Errors
    /// The [`Answer`] to give.
    pub async fn authenticate_named(&self, id: &str, headers: &InboundHeaders) -> Result<AuthenticatedHook, Answer> {
        let id = id.parse().unwrap_or_else(|_| HookId::from_uuid(uuid::Uuid::nil()));
        self.authenticate(id, headers).await
    }

    /// Opens and compares a secret all the same, so that an unknown hook takes as long as a wrong secret.
    fn refuse_unknown(&self, headers: &InboundHeaders) -> Answer {
        let opened = self.secrets.open(&self.sealed_decoy, DECOY);
        self.inbound.authenticate(headers, opened.as_ref().unwrap_or(&self.decoy));
        Answer::Unauthorized
    }

    fn unless_gone(hook: AuthenticatedHook) -> Result<AuthenticatedHook, Answer> {
        match hook.hook.status {
            HookStatus::Deleting | HookStatus::Deleted => Err(Answer::Gone),
            _ => Ok(hook),
        }
    }

    fn remembered(&self, id: HookId) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).filter(|known| known.until > self.clock.now()).cloned()
    }

    fn remember(&self, id: HookId, secret: Known) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_SECRETS {
            known.clear();
        }
        known.insert(id, secret);
    }

    /// Stores what an authenticated hook brought and says what to answer: nothing but 200 or 503.
    pub async fn receive(&self, caller: &AuthenticatedHook, body: Body) -> Answer {
        let delivery = self.delivery_of(caller, body);
        let (state, arms) = (delivery.state, delivery.arm.is_some());
        let appended = match self.inbox.append(delivery).await {
            Ok(appended) => appended,
            Err(InboxError::Unavailable(error)) => return self.no_store(caller.hook.id, &error),
            Err(error @ InboxError::Overloaded) => return self.no_room(caller.hook.id, &error),
        };
        if arms {
            self.wake.outbox();
        }
        match state {
            DeliveryState::Ignored => Answer::Ignored,
            DeliveryState::Quarantined => Answer::Quarantined,
            _ => {
                self.wake.inbox();
                Answer::Stored(appended)
            }
        }
    }

    fn no_store(&self, hook: HookId, cause: &StoreError) -> Answer {
        if self.said_store.may_say(self.clock.now()) {
            tracing::error!(%hook, %cause, "deliveries are answered 503: the store fails");
        }
        Answer::Unavailable
    }

    fn no_secret(&self, hook: HookId, cause: &SecretBoxError) -> Answer {
        if self.said_secret.may_say(self.clock.now()) {
            tracing::error!(
                %hook,
                %cause,
                "deliveries are answered 503: a hook's secret cannot be opened; restore the key file that it was \
                 sealed with, and restart"
            );
        }
        Answer::Unavailable
    }

    fn no_room(&self, hook: HookId, cause: &InboxError) -> Answer {
        if self.said_full.may_say(self.clock.now()) {
            tracing::error!(%hook, %cause, "deliveries are answered 503: too many arrive at once");
        }
        Answer::Unavailable
    }

    fn delivery_of(&self, caller: &AuthenticatedHook, body: Body) -> NewDelivery {
        let hook = caller.hook.as_ref();
        let now = self.clock.now();
        let (payload, classified) = match body {
            Body::Whole(bytes) => {
                let classified = self.inbound.classify(&bytes);
                (bytes, classified)
            }
            Body::Oversized(start) => {
                let reason = format!("larger than {MAX_BODY} bytes; the first {KEPT_OF_OVERSIZED} are kept");
                (start, Classified::Malformed { reason })
            }
        };
        let mut delivery = NewDelivery {
            id: DeliveryId::generate(now, self.entropy.as_ref()),
            hook: hook.id,
            integration: hook.integration,
            azure_project: hook.azure_project.clone(),
            event_type: None,
            work_item: None,
            idempotency_key: None,
            payload,
            state: DeliveryState::Ignored,
            reason: None,
            received_at: now,
            arm: None,
        };
        match classified {
            Classified::TestNotification => delivery.reason = Some("a test notification".to_owned()),
            Classified::Unused { event_type } => {
                delivery.reason = Some(format!("the event type {} is not used", tamed(&event_type, 64)));
            }
            Classified::Malformed { reason } => self.quarantine(&mut delivery, hook, &reason),
            Classified::Event { event_type, collection_id, azure_project, work_item, update, event_id } => {
                delivery.event_type = Some(event_type);
                delivery.work_item = work_item;
                delivery.idempotency_key = work_item.and_then(|number| {
                    idempotency_key(hook.integration, event_type, number, update, event_id.as_deref())
                });
                let foreign_project = azure_project.is_some_and(|project| project != hook.azure_project);
                if collection_id.as_deref() != Some(caller.collection_id.as_ref()) {
                    self.quarantine(&mut delivery, hook, "of another collection than the hook's");
                } else if foreign_project {
                    self.quarantine(&mut delivery, hook, "of another project than the hook's");
                } else if work_item.is_none() {
                    self.quarantine(&mut delivery, hook, "names no work item");
                } else if delivery.idempotency_key.is_none() {
                    self.quarantine(&mut delivery, hook, "has neither an update number nor an event id");
                } else {
                    delivery.state = DeliveryState::Pending;
                }
            }
        }
        delivery
    }

    fn quarantine(&self, delivery: &mut NewDelivery, hook: &Hook, reason: &str) {
        delivery.state = DeliveryState::Quarantined;
        delivery.reason = Some(tamed(reason, 500));
        delivery.idempotency_key = None;
        delivery.arm = Some(OutboxArm {
            id: OutboxId::generate(delivery.received_at, self.entropy.as_ref()),
            organization: hook.organization,
            project: None,
            task: OutboxTask::ReconcileProject {
                installation: hook.installation,
                azure_project: hook.azure_project.clone(),
            },
            due_at: delivery.received_at,
        });
    }
}
