//! Who is told of an event: subscribers by scope, so that an event costs what it concerns.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::Scope;
use super::record::Event;

/// How many events a subscriber may be behind. One that falls further behind is cut off, and comes
/// back through the history.
const BACKLOG: usize = 1024;

/// A subscriber's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Subscription(u64);

/// All subscribers.
#[derive(Debug, Default)]
pub(super) struct Hub {
    last: u64,
    subscribers: HashMap<Subscription, Subscriber>,
    by_scope: HashMap<Scope, Vec<Subscription>>,
}

/// What a subscriber is told, in order.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// Something happened.
    Event(Arc<Event>),
    /// Everything up to this revision has been told.
    Progress(u64),
}

#[derive(Debug)]
struct Subscriber {
    scope: Scope,
    sender: mpsc::Sender<Told>,
    /// The last revision that was told.
    told: AtomicU64,
}

impl Hub {
    pub(super) fn subscribe(&mut self, scope: Scope) -> (Subscription, mpsc::Receiver<Told>) {
        self.last += 1;
        let subscription = Subscription(self.last);
        let (sender, receiver) = mpsc::channel(BACKLOG);
        self.by_scope
            .entry(scope.clone())
            .or_default()
            .push(subscription);
        let subscriber = Subscriber {
            scope,
            sender,
            told: AtomicU64::new(0),
        };
        self.subscribers.insert(subscription, subscriber);
        (subscription, receiver)
    }

    pub(super) fn unsubscribe(&mut self, subscription: Subscription) {
        let Some(subscriber) = self.subscribers.remove(&subscription) else {
            return;
        };
        if let Some(all) = self.by_scope.get_mut(&subscriber.scope) {
            all.retain(|other| *other != subscription);
            if all.is_empty() {
                self.by_scope.remove(&subscriber.scope);
            }
        }
    }

    pub(super) fn publish(&mut self, event: &Arc<Event>) {
        let mut cut_off = Vec::new();
        for scope in event.record.key.scopes() {
            for subscription in self.by_scope.get(&scope).into_iter().flatten() {
                let Some(subscriber) = self.subscribers.get(subscription) else {
                    continue;
                };
                subscriber.told.store(event.revision(), Ordering::Relaxed);
                let told = Told::Event(Arc::clone(event));
                if subscriber.sender.try_send(told).is_err() {
                    cut_off.push(*subscription);
                }
            }
        }
        for subscription in cut_off {
            self.unsubscribe(subscription);
        }
    }

    /// Tells those who are subscribed to a scope how far the store has come, unless they know. Whoever is behind is told
    /// another time.
    pub(super) fn tell_progress(&self, scope: &Scope, revision: u64) {
        for subscription in self.by_scope.get(scope).into_iter().flatten() {
            let Some(subscriber) = self.subscribers.get(subscription) else {
                continue;
            };
            if subscriber.told.fetch_max(revision, Ordering::Relaxed) < revision {
                let _ = subscriber.sender.try_send(Told::Progress(revision));
            }
        }
    }

    /// Cuts everybody off: the store closes.
    pub(super) fn close(&mut self) {
        self.subscribers.clear();
        self.by_scope.clear();
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.subscribers.len()
    }
}
