//! Progress that is remembered, or that ends a flow in the middle.

use std::sync::Mutex;

use crate::progress::{Event, Progress};

/// Remembers every event.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<Event>>);

impl Recorder {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }
}

impl Progress for Recorder {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// Crashes the flow (by a panic, which nothing in the flow catches) when an event matches.
pub(crate) struct CrashAt<F>(pub(crate) F);

impl<F: Fn(&Event) -> bool + Send + Sync> Progress for CrashAt<F> {
    fn event(&self, event: Event) {
        assert!(!(self.0)(&event), "crash injected at {event:?}");
    }
}
