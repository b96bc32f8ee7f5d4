//! Where objects are: durable in a file, indexed in memory, watched from a bounded history.
//!
//! Reads are served from memory. A write goes through one thread, which commits what has queued up
//! together (group commit) and makes it visible before it is acknowledged: whoever was told that a
//! write took place finds it, in the next read and after a crash.

mod database;
mod error;
mod history;
mod hub;
mod key;
mod record;
mod state;
mod watch;
mod writer;

pub use error::OpenError;
pub(crate) use error::{OutOfHistory, WriteError};
pub use history::HistoryLimits;
pub(crate) use hub::Told;
pub(crate) use key::{Key, Scope};
pub(crate) use record::{Event, EventKind, Record};
pub(crate) use state::{Listing, Part};
pub(crate) use watch::Watch;
pub(crate) use writer::{Action, Write};

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use self::database::{Database, Loaded};
use self::state::{Shared, State};
use self::writer::Job;

/// How many writes may queue before a writer has to wait for its turn to queue.
const QUEUE: usize = 1024;

/// How long whoever asks whether the store can be written waits for the disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// The store. Cheap to clone: clones are the same store. When the last clone goes, the file is closed.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    // Last, so that what else is held goes first.
    writer: Arc<Writer>,
}

/// The way to the writing thread. Dropping it waits for the thread to finish its commit.
struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens the store in a file, which is made when it is not there.
    ///
    /// # Errors
    /// When the file is in use, damaged, not a store, or cannot be read or made. It is left as it is.
    pub fn open(path: &Path, history: HistoryLimits) -> Result<Self, OpenError> {
        Self::start(Database::open(path)?, path, history)
    }

    /// A store that lives as long as the process: for tests, and for what need not survive.
    ///
    /// # Errors
    /// When the thread that writes cannot be started.
    pub fn in_memory(history: HistoryLimits) -> Result<Self, OpenError> {
        let loaded = Database::over(redb::backends::InMemoryBackend::new)?;
        Self::start(loaded, Path::new("(memory)"), history)
    }

    fn start(loaded: Loaded, path: &Path, history: HistoryLimits) -> Result<Self, OpenError> {
        let state = State::new(loaded.revision, loaded.records, history);
        let shared = Arc::new(Shared::new(state));
        let (jobs, queue) = mpsc::channel(QUEUE);
        let thread =
            writer::spawn(loaded.database, Arc::clone(&shared), queue).map_err(|source| {
                OpenError::Io {
                    path: path.to_owned(),
                    source,
                }
            })?;
        Ok(Self {
            shared,
            writer: Arc::new(Writer {
                jobs: Some(jobs),
                thread: Some(thread),
            }),
        })
    }

    /// The revision of the last write.
    pub(crate) fn revision(&self) -> u64 {
        self.shared.read().history.newest()
    }

    /// An object.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Record>> {
        self.shared.read().get(key).cloned()
    }

    /// What a part of a scope holds now.
    pub(crate) fn list(&self, scope: &Scope, part: Part<'_>) -> Listing {
        self.shared.read().list(scope, part)
    }

    /// The same, and whoever watches the scope is told how far the store has come: a reader who keeps what a watch says
    /// can see that nothing is missing in it.
    pub(crate) fn list_and_tell(&self, scope: &Scope, part: Part<'_>) -> Listing {
        let state = self.shared.read();
        let listing = state.list(scope, part);
        state.hub.tell_progress(scope, listing.revision);
        listing
    }

    /// What a part of a scope held at a revision.
    ///
    /// # Errors
    /// When the revision is not in the history.
    pub(crate) fn list_at(
        &self,
        revision: u64,
        scope: &Scope,
        part: Part<'_>,
    ) -> Result<Listing, OutOfHistory> {
        self.shared.read().list_at(revision, scope, part)
    }

    /// Every object in a namespace.
    pub(crate) fn keys_in(&self, namespace: &str) -> Vec<Key> {
        self.shared.read().keys_in(namespace)
    }

    /// What happens in a scope after a revision.
    ///
    /// # Errors
    /// When the revision is not in the history.
    pub(crate) fn watch(&self, scope: Scope, after: u64) -> Result<Watch, OutOfHistory> {
        Watch::after(&self.shared, scope, after)
    }

    /// What a scope holds now, and what happens in it afterwards.
    pub(crate) fn list_and_watch(&self, scope: Scope) -> (Listing, Watch) {
        Watch::with_listing(&self.shared, scope)
    }

    /// Writes, and returns when the write is durable and visible.
    ///
    /// # Errors
    /// When a condition of the write does not hold, or the file cannot be written.
    pub(crate) async fn write(&self, write: Write) -> Result<Arc<Event>, WriteError> {
        self.ask(|reply| Job::Write(write, reply)).await
    }

    /// Whether a write would be durable. What was found out at the last commit answers for some seconds; only then is
    /// anything written for this, so that it can be asked as often as anybody likes.
    ///
    /// # Errors
    /// When the file cannot be written, or the disk does not answer in time.
    pub(crate) async fn check(&self) -> Result<(), WriteError> {
        match tokio::time::timeout(PATIENCE, self.ask(Job::Check)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(WriteError::Storage(
                format!("the disk has not answered for {} s", PATIENCE.as_secs()).into(),
            )),
        }
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, WriteError>>) -> Job,
    ) -> Result<T, WriteError> {
        let jobs = self.writer.jobs.as_ref().ok_or(WriteError::Closed)?;
        let (reply, answer) = oneshot::channel();
        jobs.send(job(reply))
            .await
            .map_err(|_| WriteError::Closed)?;
        answer.await.map_err(|_| WriteError::Closed)?
    }

    /// Forgets the history up to a revision: what would watch or list from before it gets 410 Gone.
    pub fn compact(&self, revision: u64) {
        self.shared.write().history.compact(revision);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes the store panicked");
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
