//! Reading a log and checking that nothing in it was changed.

use std::fs;
use std::path::Path;

use slipway_pki::decision::log::{Chain, Head, LineError, Record};

use super::{LogError, files};

/// Every record of the log in `folder`, oldest first.
///
/// # Errors
/// As for [`verify`].
pub fn read(folder: &Path) -> Result<Vec<Record>, LogError> {
    let mut records = Vec::new();
    verify_each(folder, |record, _| records.push(record))?;
    Ok(records)
}

/// Checks that every record of the log in `folder` follows from the one before it.
///
/// # Errors
/// The first record that does not, with its file and line; or a file cannot be read.
pub fn verify(folder: &Path) -> Result<Head, LogError> {
    verify_each(folder, |_, _| {})
}

/// The same for a log whose end was known earlier: it must go on from there.
///
/// # Errors
/// As for [`verify`]; or the log ends before, or had another record there.
pub fn verify_from(folder: &Path, anchor: &Head) -> Result<Head, LogError> {
    let mut found = Chain::default().head();
    let head = verify_each(folder, |_, head| {
        if head.records <= anchor.records {
            found = *head;
        }
    })?;
    if found.records < anchor.records {
        return Err(LogError::Cut {
            records: head.records,
            anchored: anchor.records,
        });
    }
    if found.digest != anchor.digest {
        return Err(LogError::Rewritten(anchor.records));
    }
    Ok(head)
}

/// As [`verify`], with a look at every record, and at the log as it ends with it. What was looked at when this fails is
/// what stands before the break. What follows the last line feed of the last file was never acknowledged, and is no record.
///
/// # Errors
/// As for [`verify`].
pub fn verify_each(folder: &Path, mut look: impl FnMut(Record, &Head)) -> Result<Head, LogError> {
    let mut chain = Chain::default();
    let files = files::list(folder)?;
    let last = files.last();
    for path in &files {
        let text = fs::read(path).map_err(files::failed("read", path))?;
        for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let line = match line.strip_suffix(b"\n") {
                Some(line) => line,
                None if last == Some(path) => continue,
                None => line,
            };
            let record = chain.follow(line).map_err(|error| {
                let (path, line) = (path.clone(), index.saturating_add(1));
                match error {
                    LineError::Broken(broken) => LogError::Broken { path, line, broken },
                    source => LogError::Malformed { path, line, source },
                }
            })?;
            look(record, &chain.head());
        }
    }
    Ok(chain.head())
}
