//! The folder with the files.

use std::collections::{BTreeMap, BTreeSet};

use slipway_sdk::files::{Directory, FileError, Reason};
use slipway_sdk::prelude::*;

use crate::record::{FileName, Record, RemovalMark, is_token_id};

/// The largest file that is read, in bytes.
const LIMIT: usize = 1 << 20;

/// How many calls may write the same version at once before one has to give way.
const WRITERS: usize = 64;

/// How many removals are kept: more than can be made while one call is under way.
pub(crate) const REMOVALS: usize = 256;

/// How often something is looked at that others are changing.
const LOOKS: usize = 16;

/// The granted folder.
#[derive(Debug)]
pub(crate) struct Folder(Directory);

impl Folder {
    pub(crate) fn new(directory: Directory) -> Self {
        Self(directory)
    }

    /// The newest version of each record, removals included, in the order of their IDs.
    pub(crate) fn all(&self) -> Result<Vec<Record>, StoreError> {
        let newest: BTreeMap<String, FileName> = self
            .versions(|_| true)?
            .into_iter()
            .map(|name| (name.id.clone(), name))
            .collect();
        let mut records = Vec::new();
        for (id, name) in newest {
            match self.read(&name)? {
                Some(record) => records.push(record),
                None => records.extend(self.newest(&id)?),
            }
        }
        Ok(records)
    }

    /// The newest version of a record, a removal included; none if there never was one.
    pub(crate) fn newest(&self, id: &str) -> Result<Option<Record>, StoreError> {
        if !is_token_id(id) {
            return Err(StoreError::Other(format!("{id:?} is not a token's ID")));
        }
        for _ in 0..LOOKS {
            let Some(name) = self.versions(|name| name.id == id)?.pop_last() else {
                return Ok(None);
            };
            if let Some(record) = self.read(&name)? {
                return Ok(Some(record));
            }
        }
        Err(StoreError::Unavailable(format!(
            "{id} changes faster than it can be read"
        )))
    }

    /// Makes `next` the newest version, if the one before it still is; and durable.
    pub(crate) fn append(&self, next: &Record) -> Result<(), StoreError> {
        let temporary = self.write_temporary(next)?;
        if let Err(error) = self.0.link(&temporary, &next.name.to_string()) {
            tolerate_absence(self.0.remove(&temporary))?;
            return Err(match error.reason {
                // The temporary file is gone where a later change was completed, which removes those it outran.
                Reason::Exists | Reason::NotFound => StoreError::Conflict,
                _ => unusable(error),
            });
        }
        let versions = self.versions(|name| name.id == next.name.id)?;
        if versions.last() != Some(&next.name) {
            // Others have made this change and a later one, and so the number was free again.
            tolerate_absence(self.0.remove(&next.name.to_string()))?;
            tolerate_absence(self.0.remove(&temporary))?;
            return Err(StoreError::Conflict);
        }
        self.0.sync().map_err(unusable)?;
        // The change is made, whatever becomes of what is left; the next change tries again.
        if let Err(error) = self.clean_up(&next.name) {
            log::warn(
                "old versions could not be removed",
                &[("error", &error.to_string())],
            );
        }
        Ok(())
    }

    /// Gives a removal its place among the others, and clears those that are too old to be needed.
    pub(crate) fn note_removal(&self, removal: &FileName) -> Result<(), StoreError> {
        let names = self.0.names().map_err(unusable)?;
        let mut marks: BTreeSet<RemovalMark> = names
            .iter()
            .filter_map(|name| RemovalMark::parse(name))
            .collect();
        let mark = RemovalMark {
            order: marks.last().map_or(0, |last| last.order.saturating_add(1)),
            removal: removal.clone(),
        };
        self.0
            .link(&removal.to_string(), &mark.to_string())
            .map_err(unusable)?;
        marks.insert(mark);
        let surplus = marks.len().saturating_sub(REMOVALS);
        for old in marks.iter().take(surplus) {
            self.clear(old)?;
        }
        Ok(())
    }

    /// Clears a removal: its mark first, so that of several that try one does, and so that a mark never stands for a
    /// record that was made under its name since.
    fn clear(&self, mark: &RemovalMark) -> Result<(), StoreError> {
        match self.0.remove(&mark.to_string()) {
            Err(error) if error.reason == Reason::NotFound => return Ok(()),
            removed => removed.map_err(unusable)?,
        }
        match self.read(&mark.removal)? {
            Some(record) if record.version().is_none() => {
                tolerate_absence(self.0.remove(&mark.removal.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// Reads a version; none if it is gone, as a newer one took its place.
    fn read(&self, name: &FileName) -> Result<Option<Record>, StoreError> {
        let path = name.to_string();
        match self.0.read(&path, LIMIT) {
            Ok(bytes) => Record::parse(name, &bytes)
                .map(Some)
                .map_err(|reason| StoreError::Corrupt(format!("{path}: {reason}"))),
            Err(error) if error.reason == Reason::NotFound => Ok(None),
            Err(error) => Err(unusable(error)),
        }
    }

    fn write_temporary(&self, record: &Record) -> Result<String, StoreError> {
        let content = record.write()?;
        for writer in 0..WRITERS {
            let path = format!("{}.{writer}.new", record.name);
            match self.0.create(&path, &content) {
                Ok(()) => return Ok(path),
                Err(error) if error.reason == Reason::Exists => {}
                Err(error) => {
                    // What is left of it is of no use, and the first error counts.
                    let _ = self.0.remove(&path);
                    return Err(unusable(error));
                }
            }
        }
        Err(StoreError::Unavailable(format!(
            "{} is being written by others",
            record.name
        )))
    }

    /// Removes what is older than a version, the oldest first, and what was left of changes that did not come to be.
    fn clean_up(&self, newest: &FileName) -> Result<(), StoreError> {
        for older in self.versions(|name| name.id == newest.id)? {
            if older.number < newest.number {
                tolerate_absence(self.0.remove(&older.to_string()))?;
            }
        }
        for path in self.0.names().map_err(unusable)? {
            let is_outrun = path
                .strip_suffix(".new")
                .and_then(|rest| rest.rsplit_once('.'))
                .and_then(|(name, _)| FileName::parse(name))
                .is_some_and(|name| name.id == newest.id && name.number <= newest.number);
            if is_outrun {
                tolerate_absence(self.0.remove(&path))?;
            }
        }
        Ok(())
    }

    fn versions(
        &self,
        wanted: impl Fn(&FileName) -> bool,
    ) -> Result<BTreeSet<FileName>, StoreError> {
        settled(|| {
            let names = self.0.names().map_err(unusable)?;
            Ok(names
                .iter()
                .filter_map(|name| FileName::parse(name))
                .filter(&wanted)
                .collect())
        })
    }
}

/// What two looks in a row agree on. The names in a folder are not read all at one moment: while a version takes the place
/// of another, a look can miss both, and a record would seem to be gone.
pub(crate) fn settled<T: PartialEq>(
    mut look: impl FnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut before = look()?;
    for _ in 0..LOOKS {
        let now = look()?;
        if now == before {
            return Ok(now);
        }
        before = now;
    }
    Err(StoreError::Unavailable(
        "the folder changes faster than it can be read".to_owned(),
    ))
}

/// Somebody else has removed it already.
fn tolerate_absence(result: Result<(), FileError>) -> Result<(), StoreError> {
    match result {
        Err(error) if error.reason != Reason::NotFound => Err(unusable(error)),
        _ => Ok(()),
    }
}

fn unusable(error: FileError) -> StoreError {
    let text = error.to_string();
    match error.reason {
        Reason::NoSpace => StoreError::Unavailable(text),
        Reason::TooLarge { .. } | Reason::NotAFile => StoreError::Corrupt(text),
        _ => StoreError::Other(text),
    }
}
