//! One log for many tasks.
//!
//! A task that finds the log free writes its entry itself: handing it over and being woken takes as long as all that is
//! written. Entries of tasks that do not find it free are collected by a thread, which writes them with one sync.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::block_in_place;

use super::recordings::{Case, Recorder};
use super::writer::Writer;
use super::{Entry, Head, LogError, files};

/// Entries that may wait; more make their writers wait.
const QUEUE: usize = 1024;

/// Writes entries; cheap to clone. The log is closed when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct DecisionLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// In turn, so that those who find it free do not keep the thread from it.
    journal: Arc<Mutex<Journal>>,
    queue: Option<mpsc::Sender<Waiting>>,
    thread: Option<thread::JoinHandle<()>>,
    folder: PathBuf,
    heads: watch::Receiver<Head>,
    keeps_recordings: bool,
}

/// The log and what is recorded beside it.
#[derive(Debug)]
struct Journal {
    writer: Writer,
    recorder: Option<Recorder>,
    heads: watch::Sender<Head>,
}

/// An entry, and what its decision rests upon.
type Grounded = (Entry, Option<Case>);

#[derive(Debug)]
struct Waiting {
    entry: Grounded,
    written: oneshot::Sender<Result<(), LogError>>,
}

impl DecisionLog {
    /// Goes on with the log in `folder`, or begins one. What was not written whole when the machine went down was never
    /// acknowledged: it is moved beside the log.
    ///
    /// # Errors
    /// The folder cannot be written, another process writes to it, or what is in it is no intact log.
    pub fn open(folder: &Path) -> Result<Self, LogError> {
        Self::start(folder, None)
    }

    /// The same, with recordings of what decisions rest upon beside the log, each kept for `keep`.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_with_recordings(folder: &Path, keep: Duration) -> Result<Self, LogError> {
        Self::start(folder, Some(keep))
    }

    fn start(folder: &Path, keep: Option<Duration>) -> Result<Self, LogError> {
        let writer = Writer::open(folder)?;
        let recorder = keep.map(|keep| Recorder::open(folder, keep)).transpose()?;
        let keeps_recordings = recorder.is_some();
        let (tell, heads) = watch::channel(writer.head());
        let journal = Arc::new(Mutex::new(Journal {
            writer,
            recorder,
            heads: tell,
        }));
        let (queue, waiting) = mpsc::channel(QUEUE);
        let written = Arc::clone(&journal);
        let thread = thread::Builder::new()
            .name("decision-log".to_owned())
            .spawn(move || write_what_waits(&written, waiting))
            .map_err(files::failed("open", folder))?;
        Ok(Self {
            shared: Arc::new(Shared {
                journal,
                queue: Some(queue),
                thread: Some(thread),
                folder: folder.to_owned(),
                heads,
                keeps_recordings,
            }),
        })
    }

    /// Writes an entry. It is on disk when this returns. A decision that took effect is written once, however often it
    /// is noted.
    ///
    /// # Errors
    /// It may not be, and must count as if it were not: [`LogError::NotWritten`].
    pub async fn record(&self, entry: Entry) -> Result<(), LogError> {
        self.record_with(entry, None).await
    }

    /// Whether the log has a decision that took effect.
    pub(crate) async fn has(&self, decision: &Entry) -> bool {
        self.shared.journal.lock().await.writer.has(decision)
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Where the log ends, as it grows.
    pub(crate) fn heads(&self) -> watch::Receiver<Head> {
        self.shared.heads.clone()
    }

    /// Whether what decisions rest upon is recorded.
    pub(crate) fn keeps_recordings(&self) -> bool {
        self.shared.keeps_recordings
    }

    /// Writes an entry, and beside the log what its decision rests upon.
    ///
    /// # Errors
    /// As for [`record`](Self::record). That a recording cannot be written keeps no decision from being taken.
    pub async fn record_with(
        &self,
        entry: Entry,
        rests_upon: Option<Case>,
    ) -> Result<(), LogError> {
        let entry = (entry, rests_upon);
        if others_run_meanwhile()
            && let Ok(mut journal) = self.shared.journal.try_lock()
        {
            return block_in_place(|| journal.write(vec![entry]))
                .map_err(|error| not_written(&error));
        }
        let (written, wait) = oneshot::channel();
        let queue = self.shared.queue.as_ref().ok_or(LogError::Stopped)?;
        queue
            .send(Waiting { entry, written })
            .await
            .map_err(|_| LogError::Stopped)?;
        wait.await.map_err(|_| LogError::Stopped)?
    }
}

impl Drop for Shared {
    /// Waits until the file is closed, so that it can be opened again at once.
    fn drop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

impl Journal {
    fn write(&mut self, entries: Vec<Grounded>) -> Result<(), LogError> {
        let recorded = entries.into_iter().map(|(mut entry, rests_upon)| {
            if let (Some(recorder), Some(case)) = (&mut self.recorder, &rests_upon) {
                entry.recording = recorder.record(case);
            }
            entry
        });
        let written = self.writer.write(recorded.collect());
        if let Err(error) = &written {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "the decision log cannot be written; nothing is decided without it"
            );
        }
        self.heads.send_replace(self.writer.head());
        written
    }
}

/// Whether a task that waits for a disk leaves its thread's other tasks to other threads.
fn others_run_meanwhile() -> bool {
    Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

fn write_what_waits(journal: &Mutex<Journal>, mut waiting: mpsc::Receiver<Waiting>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut journal = journal.blocking_lock();
        let mut batch = vec![first];
        while let Ok(next) = waiting.try_recv() {
            batch.push(next);
        }
        let (entries, waiters): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|waiting| (waiting.entry, waiting.written))
            .unzip();
        let written = journal.write(entries);
        for waiter in waiters {
            // Whoever waited may be gone; the entry is written all the same.
            let _ = waiter.send(match &written {
                Ok(()) => Ok(()),
                Err(error) => Err(not_written(error)),
            });
        }
    }
}

fn not_written(error: &LogError) -> LogError {
    LogError::NotWritten(error.to_string())
}

#[cfg(test)]
mod tests;
