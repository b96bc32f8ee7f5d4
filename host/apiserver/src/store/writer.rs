//! The one thread that writes: it takes what has queued up, commits it in one go, makes it visible,
//! and only then acknowledges it.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::Key;
use super::database::Database;
use super::error::WriteError;
use super::record::{Event, EventKind, Record};
use super::state::{Shared, State};
use crate::resource::Object;

/// How many writes one commit may hold.
const BATCH: usize = 512;

/// How long the outcome of the last commit answers for the next one, when somebody asks whether the store can be
/// written: so often at the most is something written for the sake of the question alone.
const FRESH: Duration = Duration::from_secs(10);

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

type Written = Result<Arc<Event>, WriteError>;
type Reply = oneshot::Sender<Written>;
type Waiting = (Write, Reply);

/// What the thread is asked for, and who waits for it.
#[expect(clippy::large_enum_variant, reason = "nearly all are writes")]
pub(super) enum Job {
    /// To write.
    Write(Write, Reply),
    /// To find out whether it could.
    Check(oneshot::Sender<Result<(), WriteError>>),
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
        last: None,
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
    /// How the last commit went, and when.
    last: Option<(Instant, Result<(), WriteError>)>,
}

impl Writer {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let (mut writes, mut checks) = (Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Write(write, reply) => writes.push((write, reply)),
                    Job::Check(reply) => checks.push(reply),
                }
                next = (writes.len() < BATCH)
                    .then(|| jobs.try_recv().ok())
                    .flatten();
            }
            self.process(writes);
            for reply in checks {
                let _ = reply.send(self.check());
            }
        }
        self.shared.write().hub.close();
    }

    /// Whether the store can be written, as of a moment ago.
    fn check(&mut self) -> Result<(), WriteError> {
        if let Some((when, outcome)) = &self.last
            && when.elapsed() < FRESH
        {
            return outcome.clone();
        }
        let outcome = self.settle().and_then(|()| {
            let probed = self.database.probe();
            self.conclude(probed, Vec::new())
        });
        self.last = Some((Instant::now(), outcome.clone()));
        outcome
    }

    fn process(&mut self, jobs: Vec<Waiting>) {
        if let Err(error) = self.settle() {
            for (_, reply) in jobs {
                let _ = reply.send(Err(error.clone()));
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
            Err(error) => self.conclude(Err(error), events),
        }
    }

    /// Judges the writes one after the other, each seeing those before it.
    fn plan(&self, jobs: Vec<Waiting>) -> (Vec<Arc<Event>>, Vec<(Reply, Written)>) {
        let state = self.shared.read();
        let mut plan = Plan {
            revision: state.history.newest(),
            state: &state,
            changed: HashMap::new(),
        };
        let mut events = Vec::new();
        let mut answers = Vec::with_capacity(jobs.len());
        for (write, reply) in jobs {
            let answer = plan.judge(write);
            if let Ok(event) = &answer {
                events.push(Arc::clone(event));
            }
            answers.push((reply, answer));
        }
        (events, answers)
    }

    fn commit(&mut self, events: Vec<Arc<Event>>) -> Result<(), WriteError> {
        if events.is_empty() {
            return Ok(());
        }
        let committed = self.database.commit(&events);
        self.conclude(committed, events)
    }

    /// Makes events visible that were committed; remembers how it went.
    fn conclude(
        &mut self,
        committed: Result<(), redb::Error>,
        events: Vec<Arc<Event>>,
    ) -> Result<(), WriteError> {
        let outcome = match committed {
            Ok(()) => {
                self.publish(events);
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the store cannot be written");
                self.in_doubt = Some(events);
                Err(storage(&error))
            }
        };
        self.last = Some((Instant::now(), outcome.clone()));
        outcome
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
    match error {
        redb::Error::Io(io)
            if matches!(io.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
        {
            WriteError::Full(io.to_string().into())
        }
        other => WriteError::Storage(other.to_string().into()),
    }
}

#[cfg(test)]
mod tests;
