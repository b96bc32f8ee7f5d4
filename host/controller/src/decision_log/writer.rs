//! Appending to a log: several records at a time, on disk when that is done.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use slipway_config::digest::Sha256Digest;

use super::{Action, Entry, Head, LogError, Record, files, read};

/// A file that is larger than this is followed by another, in bytes.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// Appends to the log in a folder.
#[derive(Debug)]
pub(super) struct Writer {
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
#[derive(Debug, Clone)]
struct End {
    path: PathBuf,
    length: u64,
    sequence: u64,
    head: Sha256Digest,
}

impl Writer {
    /// Goes on with the log in `folder`, or begins one.
    ///
    /// # Errors
    /// As for [`DecisionLog::open`](super::DecisionLog::open).
    pub(super) fn open(folder: &Path) -> Result<Self, LogError> {
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

    /// Where the log ends.
    pub(super) fn head(&self) -> Head {
        Head {
            records: self.end.sequence,
            digest: self.end.head,
        }
    }

    /// Whether a decision that took effect is written.
    pub(super) fn has(&self, entry: &Entry) -> bool {
        entry
            .effective_decision()
            .is_some_and(|(uid, action)| self.decided.get(uid) == Some(&action))
    }

    /// Writes entries; they are on disk when this returns. A decision that took effect and is written already is left out.
    ///
    /// # Errors
    /// None of them counts as written.
    pub(super) fn write(&mut self, entries: Vec<Entry>) -> Result<(), LogError> {
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
            if self.has(&entry)
                || entry.effective_decision().is_some_and(|(uid, action)| {
                    decided.insert(uid.to_owned(), action) == Some(action)
                })
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
        self.is_sound = false;
        self.file
            .write_all(&text)
            .and_then(|()| self.file.sync_data())
            .map_err(files::failed("write", &end.path))?;
        self.is_sound = true;
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
