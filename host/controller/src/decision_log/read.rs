//! Reading a log and checking that nothing in it was changed.

use std::fs;
use std::path::Path;

use slipway_config::digest::Sha256Digest;

use super::record::Record;
use super::{LogError, files};

/// A log in which every record follows from the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many records there are.
    pub records: u64,
    /// SHA-256 over the last line; what an anchor kept elsewhere is compared with, as a cut tail cannot be seen from here.
    pub head: Sha256Digest,
}

/// The hash that the first record names as the one before it.
pub(super) fn origin() -> Sha256Digest {
    Sha256Digest::from([0; 32])
}

/// Every record of the log in `folder`, oldest first.
///
/// # Errors
/// A file cannot be read, or a line is no record.
pub fn read(folder: &Path) -> Result<Vec<Record>, LogError> {
    let mut records = Vec::new();
    walk(folder, |_, _, record, _| {
        records.push(record);
        Ok(())
    })?;
    Ok(records)
}

/// Checks that every record of the log in `folder` follows from the one before it.
///
/// # Errors
/// The first record that does not, with its file and line; or a file cannot be read.
pub fn verify(folder: &Path) -> Result<Verified, LogError> {
    verify_each(folder, |_| {})
}

/// The same, with a look at every record.
pub(super) fn verify_each(
    folder: &Path,
    mut look: impl FnMut(&Record),
) -> Result<Verified, LogError> {
    let mut state = Verified {
        records: 0,
        head: origin(),
    };
    walk(folder, |path, line, record, digest| {
        let broken = if record.previous != state.head {
            Some("the hash of the record before it is another")
        } else if record.sequence != state.records.saturating_add(1) {
            Some("its number is out of order")
        } else {
            None
        };
        if let Some(broken) = broken {
            return Err(LogError::Broken {
                path: path.to_owned(),
                line,
                sequence: record.sequence,
                broken,
            });
        }
        look(&record);
        state = Verified {
            records: record.sequence,
            head: digest,
        };
        Ok(())
    })?;
    Ok(state)
}

/// Visits every whole line. What follows the last line feed of the last file was never acknowledged, and is no record.
fn walk(
    folder: &Path,
    mut visit: impl FnMut(&Path, usize, Record, Sha256Digest) -> Result<(), LogError>,
) -> Result<(), LogError> {
    for path in files::list(folder)? {
        let text = fs::read(&path).map_err(files::failed("read", &path))?;
        for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let Some(line) = line.strip_suffix(b"\n") else {
                continue;
            };
            let number = index.saturating_add(1);
            let record = serde_json::from_slice(line).map_err(|source| LogError::Malformed {
                path: path.clone(),
                line: number,
                source,
            })?;
            visit(&path, number, record, Sha256Digest::of(line))?;
        }
    }
    Ok(())
}
