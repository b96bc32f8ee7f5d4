//! Writing a log: one thread owns the file, and everything that waits is synced at once.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread;

use jiff::Timestamp;
use slipway_config::digest::Sha256Digest;
use tokio::sync::{mpsc, oneshot};

use super::record::{Entry, Record};
use super::{LogError, files, read};

/// A file that is larger than this is followed by another, in bytes.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// Entries that may wait; more make their writers wait.
const QUEUE: usize = 1024;

/// Writes entries; cheap to clone.
#[derive(Debug, Clone)]
pub struct DecisionLog {
    queue: mpsc::Sender<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    entry: Entry,
    written: oneshot::Sender<()>,
}

impl DecisionLog {
    /// Goes on with the log in `folder`, or begins one. What was not written whole when the machine went down was never
    /// acknowledged: it is moved beside the log.
    ///
    /// # Errors
    /// The folder cannot be written, or what is in it is no intact log.
    pub fn open(folder: &Path) -> Result<Self, LogError> {
        let writer = Writer::open(folder)?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name("decision-log".to_owned())
            .spawn(move || run(writer, waiting))
            .map_err(files::failed("open", folder))?;
        Ok(Self { queue })
    }

    /// Writes an entry. It is on disk when this returns.
    ///
    /// # Errors
    /// It is not, and no later one will be: [`LogError::Stopped`].
    pub async fn record(&self, entry: Entry) -> Result<(), LogError> {
        let (written, wait) = oneshot::channel();
        self.queue
            .send(Waiting { entry, written })
            .await
            .map_err(|_| LogError::Stopped)?;
        wait.await.map_err(|_| LogError::Stopped)
    }
}

fn run(mut writer: Writer, mut waiting: mpsc::Receiver<Waiting>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = vec![first];
        while let Ok(next) = waiting.try_recv() {
            batch.push(next);
        }
        let (entries, waiters): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|waiting| (waiting.entry, waiting.written))
            .unzip();
        if let Err(error) = writer.write(entries) {
            // After a failed write nobody knows what is on disk: going on could leave a gap that looks like tampering.
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the decision log cannot be written; no decision is made any more"
            );
            return;
        }
        for waiter in waiters {
            // Whoever waited may be gone; the entry is written all the same.
            let _ = waiter.send(());
        }
    }
}

struct Writer {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    length: u64,
    sequence: u64,
    head: Sha256Digest,
}

impl Writer {
    fn open(folder: &Path) -> Result<Self, LogError> {
        files::create_folder(folder)?;
        let last = files::list(folder)?.pop();
        if let Some(last) = &last {
            set_torn_tail_aside(last)?;
        }
        let state = read::verify(folder)?;
        let path = last.unwrap_or_else(|| files::next(folder, None));
        let file = files::append_to(&path)?;
        let length = file.metadata().map_err(files::failed("open", &path))?.len();
        Ok(Self {
            folder: folder.to_owned(),
            path,
            file,
            length,
            sequence: state.records,
            head: state.head,
        })
    }

    fn write(&mut self, entries: Vec<Entry>) -> Result<(), LogError> {
        if self.length >= LARGEST_FILE {
            self.path = files::next(&self.folder, Some(&self.path));
            self.file = files::append_to(&self.path)?;
            self.length = 0;
        }
        let mut text = Vec::new();
        for entry in entries {
            self.sequence = self.sequence.saturating_add(1);
            let record = Record {
                sequence: self.sequence,
                time: Timestamp::now(),
                previous: self.head,
                entry,
            };
            let line = serde_json::to_vec(&record).map_err(|error| {
                files::failed("write", &self.path)(std::io::Error::other(error))
            })?;
            self.head = Sha256Digest::of(&line);
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
        self.file
            .write_all(&text)
            .and_then(|()| self.file.sync_data())
            .map_err(files::failed("write", &self.path))?;
        self.length = self
            .length
            .saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        Ok(())
    }
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
