//! A watch: what happens in a scope, from a revision on, in order and without a gap.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::Scope;
use super::error::OutOfHistory;
use super::hub::{Subscription, Told};
use super::record::Event;
use super::state::{Listing, Part, Shared};

/// A running watch. It ends (with none) when its reader fell too far behind, or the store closed:
/// whoever wants to go on starts another from the last revision seen.
#[derive(Debug)]
pub(crate) struct Watch {
    shared: Arc<Shared>,
    subscription: Subscription,
    past: VecDeque<Arc<Event>>,
    future: mpsc::Receiver<Told>,
}

impl Watch {
    /// Everything after a revision.
    pub(super) fn after(
        shared: &Arc<Shared>,
        scope: Scope,
        revision: u64,
    ) -> Result<Self, OutOfHistory> {
        let mut state = shared.write();
        let past = state.history.since(revision, &scope)?;
        let (subscription, future) = state.hub.subscribe(scope);
        drop(state);
        Ok(Self {
            shared: Arc::clone(shared),
            subscription,
            past,
            future,
        })
    }

    /// What a scope holds now, and everything after that.
    pub(super) fn with_listing(shared: &Arc<Shared>, scope: Scope) -> (Listing, Self) {
        let mut state = shared.write();
        let listing = state.list(&scope, Part::ALL);
        let (subscription, future) = state.hub.subscribe(scope);
        drop(state);
        let watch = Self {
            shared: Arc::clone(shared),
            subscription,
            past: VecDeque::new(),
            future,
        };
        (listing, watch)
    }

    /// What is told next. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        match self.past.pop_front() {
            Some(event) => Some(Told::Event(event)),
            None => self.future.recv().await,
        }
    }

    /// The next event. Dropping the future loses nothing.
    pub(crate) async fn next_event(&mut self) -> Option<Arc<Event>> {
        loop {
            match self.next().await? {
                Told::Event(event) => return Some(event),
                Told::Progress(_) => {}
            }
        }
    }

    /// A revision up to which everything has been read; none while something waits to be read.
    pub(crate) fn progress(&mut self) -> Option<u64> {
        // Read first: an event is in the channel before its revision shows.
        let revision = self.shared.read().history.newest();
        let waiting = !self.past.is_empty() || !self.future.is_empty();
        (!waiting && !self.future.is_closed()).then_some(revision)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.write().hub.unsubscribe(self.subscription);
    }
}
