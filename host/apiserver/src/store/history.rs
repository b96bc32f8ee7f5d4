//! The last events, bounded in number and in size.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::error::OutOfHistory;
use super::record::{Event, Record};
use super::{Key, Scope};

/// How much history is kept. What is older is answered with 410 Gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLimits {
    /// The number of events.
    pub events: usize,
    /// Their size, in bytes, estimated.
    pub bytes: usize,
}

impl Default for HistoryLimits {
    fn default() -> Self {
        Self {
            events: 8192,
            bytes: 16 * 1024 * 1024,
        }
    }
}

/// The last events, in order. Every revision after `oldest` has exactly one.
#[derive(Debug)]
pub(super) struct History {
    limits: HistoryLimits,
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    /// The newest revision whose event is gone: what happened after it is all here.
    oldest: u64,
    newest: u64,
}

impl History {
    pub(super) fn new(limits: HistoryLimits, revision: u64) -> Self {
        Self {
            limits,
            events: VecDeque::new(),
            bytes: 0,
            oldest: revision,
            newest: revision,
        }
    }

    /// The revision of the last event.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    pub(super) fn push(&mut self, event: Arc<Event>) {
        self.newest = event.revision();
        self.bytes += event.weight();
        self.events.push_back(event);
        while self.events.len() > self.limits.events || self.bytes > self.limits.bytes {
            if !self.forget_oldest() {
                break;
            }
        }
    }

    /// Forgets everything up to and including a revision.
    pub(super) fn compact(&mut self, revision: u64) {
        while self
            .events
            .front()
            .is_some_and(|event| event.revision() <= revision)
        {
            self.forget_oldest();
        }
    }

    /// What happened in a scope after a revision.
    pub(super) fn since(
        &self,
        revision: u64,
        scope: &Scope,
    ) -> Result<VecDeque<Arc<Event>>, OutOfHistory> {
        Ok(self
            .after(revision)?
            .filter(|event| scope.contains(&event.record.key))
            .cloned()
            .collect())
    }

    /// For every object of a scope that was touched after a revision: how it was at that revision.
    pub(super) fn undo(
        &self,
        revision: u64,
        scope: &Scope,
    ) -> Result<HashMap<Key, Option<Arc<Record>>>, OutOfHistory> {
        let mut before = HashMap::new();
        // The first event after the revision knows the state at the revision.
        for event in self.after(revision)? {
            if scope.contains(&event.record.key) {
                before
                    .entry(event.record.key.clone())
                    .or_insert_with(|| event.previous.clone());
            }
        }
        Ok(before)
    }

    fn after(&self, revision: u64) -> Result<impl Iterator<Item = &Arc<Event>>, OutOfHistory> {
        if revision < self.oldest || revision > self.newest {
            return Err(OutOfHistory {
                wanted: revision,
                oldest: self.oldest,
                newest: self.newest,
            });
        }
        let start = self
            .events
            .partition_point(|event| event.revision() <= revision);
        Ok(self.events.range(start..))
    }

    fn forget_oldest(&mut self) -> bool {
        let Some(event) = self.events.pop_front() else {
            return false;
        };
        self.bytes -= event.weight();
        self.oldest = event.revision();
        true
    }
}
