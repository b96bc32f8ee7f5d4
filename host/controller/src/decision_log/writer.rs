//! Writing a log: one thread owns the file, and everything that waits is synced at once.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use slipway_config::digest::Sha256Digest;
use tokio::sync::{mpsc, oneshot, watch};

use super::recordings::{Case, Recorder};
use super::{Action, Entry, Head, LogError, Record, files, read};

/// A file that is larger than this is followed by another, in bytes.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// Entries that may wait; more make their writers wait.
const QUEUE: usize = 1024;

/// Writes entries; cheap to clone. The log is closed when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct DecisionLog {
    writer: Arc<WriterThread>,
}

#[derive(Debug)]
struct WriterThread {
    queue: Option<mpsc::Sender<Waiting>>,
    thread: Option<thread::JoinHandle<()>>,
    folder: PathBuf,
    heads: watch::Receiver<Head>,
    keeps_recordings: bool,
}

#[derive(Debug)]
struct Waiting {
    entry: Entry,
    rests_upon: Option<Case>,
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
        let (tell, heads) = watch::channel(writer.end.as_head());
        let (queue, waiting) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new()
            .name("decision-log".to_owned())
            .spawn(move || run(writer, recorder, &tell, waiting))
            .map_err(files::failed("open", folder))?;
        Ok(Self {
            writer: Arc::new(WriterThread {
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

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.writer.folder
    }

    /// Where the log ends, as it grows.
    pub(crate) fn heads(&self) -> watch::Receiver<Head> {
        self.writer.heads.clone()
    }

    /// Whether what decisions rest upon is recorded.
    pub(crate) fn keeps_recordings(&self) -> bool {
        self.writer.keeps_recordings
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
        let (written, wait) = oneshot::channel();
        let queue = self.writer.queue.as_ref().ok_or(LogError::Stopped)?;
        queue
            .send(Waiting {
                entry,
                rests_upon,
                written,
            })
            .await
            .map_err(|_| LogError::Stopped)?;
        wait.await.map_err(|_| LogError::Stopped)?
    }
}

impl Drop for WriterThread {
    /// Waits until the file is closed, so that it can be opened again at once.
    fn drop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

fn run(
    mut writer: Writer,
    mut recorder: Option<Recorder>,
    heads: &watch::Sender<Head>,
    mut waiting: mpsc::Receiver<Waiting>,
) {
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = vec![first];
        while let Ok(next) = waiting.try_recv() {
            batch.push(next);
        }
        let (entries, waiters): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|mut waiting| {
                if let (Some(recorder), Some(case)) = (&mut recorder, &waiting.rests_upon) {
                    waiting.entry.recording = recorder.record(case);
                }
                (waiting.entry, waiting.written)
            })
            .unzip();
        let written = writer.write(entries);
        if let Err(error) = &written {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "the decision log cannot be written; nothing is decided without it"
            );
        }
        heads.send_replace(writer.end.as_head());
        for waiter in waiters {
            // Whoever waited may be gone; the entry is written all the same.
            let _ = waiter.send(match &written {
                Ok(()) => Ok(()),
                Err(error) => Err(LogError::NotWritten(error.to_string())),
            });
        }
    }
}

struct Writer {
    folder: PathBuf,
    file: File,
    end: End,
    decided: Decided,
    /// Whether what is on disk is known to end there.
    is_sound: bool,
    /// Held as long as the log is open.
    _lock: File,
}

/// By request UID: the decision that took effect, as far as it is on disk.
type Decided = HashMap<String, Action>;

/// Where a log ends.
#[derive(Clone)]
struct End {
    path: PathBuf,
    length: u64,
    sequence: u64,
    head: Sha256Digest,
}

impl End {
    fn as_head(&self) -> Head {
        Head {
            records: self.sequence,
            digest: self.head,
        }
    }
}

impl Writer {
    fn open(folder: &Path) -> Result<Self, LogError> {
        files::create_folder(folder)?;
        let lock = files::lock(folder)?;
        let (end, decided, file) = continued(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            file,
            end,
            decided,
            is_sound: true,
            _lock: lock,
        })
    }

    fn write(&mut self, entries: Vec<Entry>) -> Result<(), LogError> {
        if !self.is_sound {
            // After a failed write nobody knows what is on disk, so that it is looked at.
            (self.end, self.decided, self.file) = continued(&self.folder)?;
            self.is_sound = true;
        }
        let mut decided = Decided::new();
        let mut end = self.end.clone();
        if end.length >= LARGEST_FILE {
            end.path = files::next(&self.folder, Some(&end.path));
            self.file = files::append_to(&end.path)?;
            end.length = 0;
        }
        let mut text = Vec::new();
        for entry in entries {
            if let Some((uid, action)) = entry.effective_decision()
                && (self.decided.get(uid) == Some(&action)
                    || decided.insert(uid.to_owned(), action) == Some(action))
            {
                continue;
            }
            end.sequence = end.sequence.saturating_add(1);
            let record = Record {
                sequence: end.sequence,
                time: Timestamp::now(),
                previous: end.head,
                entry,
            };
            let line = serde_json::to_vec(&record)
                .map_err(|error| files::failed("write", &end.path)(std::io::Error::other(error)))?;
            end.head = Sha256Digest::of(&line);
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
        let written = self
            .file
            .write_all(&text)
            .and_then(|()| self.file.sync_data());
        self.is_sound = written.is_ok();
        written.map_err(files::failed("write", &end.path))?;
        end.length = end
            .length
            .saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        self.end = end;
        self.decided.extend(decided);
        Ok(())
    }
}

/// Where a log ends, what it says was decided, and its last file to append to.
fn continued(folder: &Path) -> Result<(End, Decided, File), LogError> {
    let last = files::list(folder)?.pop();
    if let Some(last) = &last {
        set_torn_tail_aside(last)?;
    }
    let mut decided = Decided::new();
    let state = read::verify_each(folder, |record, _| {
        if let Some((uid, action)) = record.entry.effective_decision() {
            decided.insert(uid.to_owned(), action);
        }
    })?;
    let path = last.unwrap_or_else(|| files::next(folder, None));
    let file = files::append_to(&path)?;
    let length = file.metadata().map_err(files::failed("open", &path))?.len();
    let end = End {
        path,
        length,
        sequence: state.records,
        head: state.digest,
    };
    Ok((end, decided, file))
}

fn set_torn_tail_aside(path: &Path) -> Result<(), LogError> {
    let text = fs::read(path).map_err(files::failed("read", path))?;
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end.saturating_add(1));
    let Some(torn) = text.get(whole..).filter(|torn| !torn.is_empty()) else {
        return Ok(());
    };
    let aside = path.with_extension("torn");
    let mut kept = files::append_to(&aside)?;
    kept.write_all(torn)
        .and_then(|()| kept.sync_data())
        .map_err(files::failed("write", &aside))?;
    let file = fs::OpenOptions::new()
        .write(true)
        .open(path)
        .map_err(files::failed("open", path))?;
    file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))
        .and_then(|()| file.sync_all())
        .map_err(files::failed("write", path))
}

#[cfg(test)]
mod tests;
