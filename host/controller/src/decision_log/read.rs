//! Reading a log and checking that nothing in it was changed.

use std::path::Path;
use std::str::FromStr;
use std::{fmt, fs};

use slipway_config::digest::{DigestError, Sha256Digest};
use thiserror::Error;

use super::record::Record;
use super::{LogError, files};

/// Where a log ends in which every record follows from the one before it. Kept elsewhere it is an anchor: that the end of
/// a log was cut off cannot be seen from the log. Written `<number of records>:<digest>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How many records there are.
    pub records: u64,
    /// SHA-256 over the last line; zeros where there is none.
    pub digest: Sha256Digest,
}

/// Why a text is no head of a log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeadError {
    /// There is no number before a colon.
    #[error(
        "it does not begin with a number and a colon; expected <number of records>:sha256:<64 hex digits>"
    )]
    Records,
    /// What follows is no digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl Head {
    /// Of a log that has no records. Its digest is what the first record names as the one before it.
    pub(super) fn origin() -> Self {
        Self {
            records: 0,
            digest: Sha256Digest::from([0; 32]),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.records, self.digest)
    }
}

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let (records, digest) = text.split_once(':').ok_or(HeadError::Records)?;
        Ok(Self {
            records: records.parse().map_err(|_| HeadError::Records)?,
            digest: digest.parse()?,
        })
    }
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
pub fn verify(folder: &Path) -> Result<Head, LogError> {
    verify_each(folder, |_, _| {})
}

/// The same for a log whose end was known earlier: it must go on from there.
///
/// # Errors
/// As for [`verify`]; or the log ends before, or had another record there.
pub fn verify_from(folder: &Path, anchor: &Head) -> Result<Head, LogError> {
    let mut found = Head::origin();
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
/// what stands before the break.
///
/// # Errors
/// As for [`verify`].
pub fn verify_each(folder: &Path, mut look: impl FnMut(Record, &Head)) -> Result<Head, LogError> {
    let mut state = Head::origin();
    walk(folder, |path, line, record, digest| {
        let broken = if record.previous != state.digest {
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
        state = Head {
            records: record.sequence,
            digest,
        };
        look(record, &state);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = Head {
            records: 8,
            digest: Sha256Digest::of(b"the last line"),
        };
        assert_eq!(head.to_string().parse(), Ok(head));
        let digest = head.digest.to_string();
        let misread = |text: &str| text.parse::<Head>().map_err(|error| error.to_string());
        for text in ["", "8", &digest, &format!("-1:{digest}")] {
            let error = misread(text).unwrap_err();
            assert!(error.contains("a number and a colon"), "{text}: {error}");
        }
        assert!(misread("8:abc").unwrap_err().contains("sha256:"));
    }
}
