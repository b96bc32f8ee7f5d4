//! Who is told of an event: subscribers by scope, so that an event costs what it concerns.

use std::collections::HashMap;
use std::sync::Arc;

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

#[derive(Debug)]
struct Subscriber {
    scope: Scope,
    sender: mpsc::Sender<Arc<Event>>,
}

impl Hub {
    pub(super) fn subscribe(&mut self, scope: Scope) -> (Subscription, mpsc::Receiver<Arc<Event>>) {
        self.last += 1;
        let subscription = Subscription(self.last);
        let (sender, receiver) = mpsc::channel(BACKLOG);
        self.by_scope
            .entry(scope.clone())
            .or_default()
            .push(subscription);
        self.subscribers
            .insert(subscription, Subscriber { scope, sender });
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
                if subscriber.sender.try_send(Arc::clone(event)).is_err() {
                    cut_off.push(*subscription);
                }
            }
        }
        for subscription in cut_off {
            self.unsubscribe(subscription);
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
