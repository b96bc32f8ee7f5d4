//! The decision log, as far as it is bytes: its records, and that each follows from the one before it.

mod record;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use slipway_config::digest::{DigestError, Sha256Digest};
use thiserror::Error;

pub use record::{Action, Entry, IssuedCertificate, PluginOpinion, Record, Stage, Subject};

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
    fn origin() -> Self {
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

/// A log that is followed line by line from its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    head: Head,
}

/// Why a line does not belong where it stands.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LineError {
    /// It is no record.
    #[error("this is no decision record: {}, at column {}", without_place(.0), .0.column())]
    Malformed(#[source] serde_json::Error),
    /// It does not follow from the line before it.
    #[error("{0}")]
    Broken(Break),
}

/// How a record does not follow from the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The record before this one is not what it was when this one was written.
    Changed(u64),
    /// This record comes, and those before it are missing.
    Missing {
        /// The first that is missing.
        first: u64,
        /// The one that comes instead.
        found: u64,
    },
    /// This record follows, under the number of another.
    Renumbered {
        /// Its own number.
        expected: u64,
        /// The one that it has.
        found: u64,
    },
    /// This record stands in the place of another: the order was changed, or something was put in between.
    OutOfPlace {
        /// The one that should come.
        expected: u64,
        /// The one that comes.
        found: u64,
    },
}

impl fmt::Display for Break {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(0 | 1) => {
                write!(
                    formatter,
                    "record 1 names a record before it: it was changed"
                )
            }
            Self::Changed(found) => write!(
                formatter,
                "record {} is not what it was when record {found} was written: one of them was changed",
                found.saturating_sub(1)
            ),
            Self::Missing { first, found } => match found.saturating_sub(1) {
                last if last == *first => {
                    write!(
                        formatter,
                        "record {first} is missing: record {found} comes in its place"
                    )
                }
                last => write!(
                    formatter,
                    "records {first} to {last} are missing: record {found} comes in their place"
                ),
            },
            Self::Renumbered { expected, found } => {
                write!(
                    formatter,
                    "record {expected} has the number {found}: it was changed"
                )
            }
            Self::OutOfPlace { expected, found } => write!(
                formatter,
                "record {found} stands where record {expected} should: it was moved, or put in between"
            ),
        }
    }
}

/// What is wrong, without the place: a record is one line, and its number in the file is not known here.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            head: Head::origin(),
        }
    }
}

impl Chain {
    /// Where it ends now.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Reads the next line, without its line feed.
    ///
    /// # Errors
    /// It is no record, or does not follow; the chain stays where it was.
    pub fn follow(&mut self, line: &[u8]) -> Result<Record, LineError> {
        let record: Record = serde_json::from_slice(line).map_err(LineError::Malformed)?;
        let (expected, found) = (self.head.records.saturating_add(1), record.sequence);
        let follows = record.previous == self.head.digest;
        let broken = match found.cmp(&expected) {
            Ordering::Equal if follows => None,
            Ordering::Equal => Some(Break::Changed(found)),
            _ if follows => Some(Break::Renumbered { expected, found }),
            Ordering::Greater => Some(Break::Missing {
                first: expected,
                found,
            }),
            Ordering::Less => Some(Break::OutOfPlace { expected, found }),
        };
        if let Some(broken) = broken {
            return Err(LineError::Broken(broken));
        }
        self.head = Head {
            records: record.sequence,
            digest: Sha256Digest::of(line),
        };
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    /// The lines of a log.
    fn lines(count: u64) -> Vec<String> {
        let mut previous = Head::origin().digest;
        let mut lines = Vec::new();
        for sequence in 1..=count {
            let line = serde_json::json!({
                "sequence": sequence,
                "time": Timestamp::UNIX_EPOCH,
                "previous": previous,
                "stage": "intent",
                "action": "approve",
                "reason": "because",
                "subject": {
                    "name": "r",
                    "uid": "u",
                    "request": previous,
                    "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
                    "requester": "system:bootstrap:abcdef",
                },
            });
            let line = line.to_string();
            previous = Sha256Digest::of(line.as_bytes());
            lines.push(line);
        }
        lines
    }

    /// How many lines follow, and the break after them.
    fn followed(lines: &[String]) -> (u64, Option<Break>) {
        let mut chain = Chain::default();
        for line in lines {
            match chain.follow(line.as_bytes()) {
                Ok(_) => {}
                Err(LineError::Broken(broken)) => return (chain.head().records, Some(broken)),
                Err(error) => panic!("{error}: {line}"),
            }
        }
        (chain.head().records, None)
    }

    #[test]
    fn what_was_done_to_a_log_is_told() {
        let whole = lines(4);
        assert_eq!(followed(&whole), (4, None));
        let mut changed = whole.clone();
        changed[1] = changed[1].replace("because", "so");
        assert_eq!(followed(&changed), (2, Some(Break::Changed(3))));
        let mut of_the_first = whole.clone();
        of_the_first[0] = whole[0].replace(&"0".repeat(64), &"1".repeat(64));
        assert_eq!(followed(&of_the_first), (0, Some(Break::Changed(1))));
        let mut removed = whole.clone();
        removed.remove(1);
        let missing = Break::Missing { first: 2, found: 3 };
        assert_eq!(followed(&removed), (1, Some(missing)));
        let mut repeated = whole.clone();
        repeated.insert(2, whole[0].clone());
        let (expected, found) = (3, 1);
        let out_of_place = Break::OutOfPlace { expected, found };
        assert_eq!(followed(&repeated), (2, Some(out_of_place)));
        for found in [1, 7] {
            let mut renumbered = whole.clone();
            renumbered[2] = whole[2].replace("\"sequence\":3", &format!("\"sequence\":{found}"));
            let expected = 3;
            let broken = Break::Renumbered { expected, found };
            assert_eq!(followed(&renumbered), (2, Some(broken)));
        }
    }

    #[test]
    fn what_is_no_record_is_told_without_a_line_of_its_own() {
        let error = Chain::default().follow(b"{").unwrap_err();
        insta::assert_snapshot!(error, @"this is no decision record: EOF while parsing an object, at column 1");
    }

    #[test]
    fn a_break_says_what_was_done() {
        insta::assert_snapshot!(Break::Changed(4), @"record 3 is not what it was when record 4 was written: one of them was changed");
        insta::assert_snapshot!(Break::Changed(1), @"record 1 names a record before it: it was changed");
        insta::assert_snapshot!(Break::Missing { first: 2, found: 3 }, @"record 2 is missing: record 3 comes in its place");
        insta::assert_snapshot!(Break::Missing { first: 2, found: 9 }, @"records 2 to 8 are missing: record 9 comes in their place");
        insta::assert_snapshot!(Break::Renumbered { expected: 2, found: 9 }, @"record 2 has the number 9: it was changed");
        insta::assert_snapshot!(Break::OutOfPlace { expected: 4, found: 2 }, @"record 2 stands where record 4 should: it was moved, or put in between");
    }

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
