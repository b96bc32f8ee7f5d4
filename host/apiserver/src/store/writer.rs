//! The one thread that writes: it takes what has queued up, commits it in one go, makes it visible,
//! and only then acknowledges it.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::Key;
use super::database::Database;
use super::error::WriteError;
use super::record::{Event, EventKind, Record};
use super::state::{Shared, State};
use crate::resource::Object;

/// How many writes one commit may hold.
const BATCH: usize = 512;

/// A write with its conditions.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    /// Where.
    pub(crate) key: Key,
    /// What.
    pub(crate) action: Action,
    /// A namespace that must exist, and not be on its way out, at the moment of the write.
    pub(crate) namespace: Option<Key>,
}

/// What to write.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A new object; there must be none.
    Create(Object),
    /// Another state of an object; it must be at this revision.
    Update {
        /// The revision that the new state was made from.
        expected: u64,
        /// The new state.
        object: Object,
    },
    /// No object any more; it must be at this revision.
    Delete {
        /// The revision that is to be deleted.
        expected: u64,
        /// Whether nothing may be in the namespace of the object's name.
        only_if_empty: bool,
    },
}

/// A write and who waits for it.
pub(super) struct Job {
    pub(super) write: Write,
    pub(super) reply: oneshot::Sender<Result<Arc<Event>, WriteError>>,
}

/// Starts the thread. It ends when every sender is gone, and closes the database.
pub(super) fn spawn(
    database: Database,
    shared: Arc<Shared>,
    jobs: mpsc::Receiver<Job>,
) -> std::io::Result<JoinHandle<()>> {
    let writer = Writer {
        database,
        shared,
        in_doubt: None,
    };
    std::thread::Builder::new()
        .name("slipway-store".to_owned())
        .spawn(move || writer.run(jobs))
}

struct Writer {
    database: Database,
    shared: Arc<Shared>,
    /// The events of a commit that failed: they may or may not be in the file.
    in_doubt: Option<Vec<Arc<Event>>>,
}

impl Writer {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::new();
        while let Some(first) = jobs.blocking_recv() {
            batch.push(first);
            while batch.len() < BATCH
                && let Ok(next) = jobs.try_recv()
            {
                batch.push(next);
            }
            self.process(std::mem::take(&mut batch));
        }
        self.shared.write().hub.close();
    }

    fn process(&mut self, jobs: Vec<Job>) {
        if let Err(error) = self.settle() {
            for job in jobs {
                let _ = job.reply.send(Err(error.clone()));
            }
            return;
        }
        let (events, answers) = self.plan(jobs);
        let committed = self.commit(events);
        for (reply, answer) in answers {
            let answer = match &committed {
                Ok(()) => answer,
                // A refusal may rest on a write of the same batch, which failed.
                Err(error) => Err(error.clone()),
            };
            // Nobody waits any more if the request was dropped; what is written stays written.
            let _ = reply.send(answer);
        }
    }

    /// Finds out what became of a failed commit, before anything else is decided.
    fn settle(&mut self) -> Result<(), WriteError> {
        let Some(events) = self.in_doubt.take() else {
            return Ok(());
        };
        match self.database.reopen() {
            Ok(revision) => {
                if events
                    .last()
                    .is_some_and(|last| last.revision() == revision)
                {
                    self.publish(events);
                }
                Ok(())
            }
            Err(error) => {
                self.in_doubt = Some(events);
                Err(storage(&error))
            }
        }
    }

    /// Judges the writes one after the other, each seeing those before it.
    #[expect(clippy::type_complexity, reason = "a reply and what it will say")]
    fn plan(
        &self,
        jobs: Vec<Job>,
    ) -> (
        Vec<Arc<Event>>,
        Vec<(
            oneshot::Sender<Result<Arc<Event>, WriteError>>,
            Result<Arc<Event>, WriteError>,
        )>,
    ) {
        let state = self.shared.read();
        let mut plan = Plan {
            revision: state.history.newest(),
            state: &state,
            changed: HashMap::new(),
        };
        let mut events = Vec::new();
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            let answer = plan.judge(job.write);
            if let Ok(event) = &answer {
                events.push(Arc::clone(event));
            }
            answers.push((job.reply, answer));
        }
        (events, answers)
    }

    fn commit(&mut self, events: Vec<Arc<Event>>) -> Result<(), WriteError> {
        if events.is_empty() {
            return Ok(());
        }
        match self.database.commit(&events) {
            Ok(()) => {
                self.publish(events);
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the store cannot be written");
                self.in_doubt = Some(events);
                Err(storage(&error))
            }
        }
    }

    fn publish(&self, events: Vec<Arc<Event>>) {
        let mut state = self.shared.write();
        for event in events {
            state.apply(event);
        }
    }
}

/// The state as it will be after the writes judged so far.
struct Plan<'a> {
    revision: u64,
    state: &'a State,
    changed: HashMap<Key, Option<Arc<Record>>>,
}

impl Plan<'_> {
    fn judge(&mut self, write: Write) -> Result<Arc<Event>, WriteError> {
        if let Some(namespace) = &write.namespace {
            match self.current(namespace) {
                None => return Err(WriteError::NoNamespace),
                Some(found) if found.terminating => return Err(WriteError::NamespaceTerminating),
                Some(_) => {}
            }
        }
        let key = write.key;
        let previous = self.current(&key);
        let next = self.revision + 1;
        let (kind, record) = match write.action {
            Action::Create(object) => match &previous {
                Some(found) => return Err(WriteError::Exists(Arc::clone(found))),
                None => (EventKind::Added, Record::new(key.clone(), next, object)),
            },
            Action::Update { expected, object } => {
                at_revision(previous.as_ref(), expected)?;
                (EventKind::Modified, Record::new(key.clone(), next, object))
            }
            Action::Delete {
                expected,
                only_if_empty,
            } => {
                let found = at_revision(previous.as_ref(), expected)?;
                if only_if_empty && !self.is_empty(&key.name) {
                    return Err(WriteError::NamespaceNotEmpty);
                }
                (EventKind::Deleted, found.at_revision(next))
            }
        };
        let record = record.map_err(|error| WriteError::Storage(error.to_string().into()))?;
        let event = Arc::new(Event {
            kind,
            record: Arc::new(record),
            previous,
        });
        self.revision = next;
        self.changed.insert(key, event.after().cloned());
        Ok(event)
    }

    fn current(&self, key: &Key) -> Option<Arc<Record>> {
        match self.changed.get(key) {
            Some(changed) => changed.clone(),
            None => self.state.get(key).cloned(),
        }
    }

    fn is_empty(&self, namespace: &str) -> bool {
        let added = self
            .changed
            .iter()
            .any(|(key, record)| *key.namespace == *namespace && record.is_some());
        let left = self
            .state
            .keys_in(namespace)
            .iter()
            .any(|key| !self.changed.contains_key(key));
        !added && !left
    }
}

fn at_revision(found: Option<&Arc<Record>>, expected: u64) -> Result<&Arc<Record>, WriteError> {
    match found {
        None => Err(WriteError::Missing),
        Some(found) if found.revision != expected => Err(WriteError::Changed(Arc::clone(found))),
        Some(found) => Ok(found),
    }
}

fn storage(error: &redb::Error) -> WriteError {
    WriteError::Storage(error.to_string().into())
}
