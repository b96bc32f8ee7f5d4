//! What was decided, by whom and why: append-only JSON lines, each bound to the one before it by a hash.
//!
//! An intent is on disk before the act that it announces, so that nothing was ever done of which the log knows nothing.
//! Writers that come at the same time share one sync to disk.

mod files;
mod read;
mod recordings;
mod shared;
mod signed_head;
#[cfg(test)]
mod testing;
mod writer;

use std::io;
use std::path::PathBuf;

use slipway_pki::decision::log::LineError;
use thiserror::Error;

pub use read::{read, verify, verify_each, verify_from};
pub(crate) use recordings::Recordings;
pub use recordings::{Case, Learned};
pub use shared::DecisionLog;
pub use signed_head::{SignedHead, SignedHeadError};
pub use slipway_pki::decision::log::{
    Action, Break, Entry, Head, HeadError, IssuedCertificate, PluginOpinion, Record, Stage, Subject,
};

/// Why the log cannot be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// The system refused.
    #[error("cannot {action} the decision log {path}: {source}")]
    Io {
        /// What was tried: `open`, `write`, `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A line is no record.
    #[error("{path}, line {line}: {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: LineError,
    },
    /// A record does not follow from the one before it.
    #[error("{path}, line {line}: {broken}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// How.
        broken: Break,
    },
    /// The log ends before a record that was there.
    #[error(
        "the log ends with record {records}, and record {anchored} was there: its end was cut off"
    )]
    Cut {
        /// The records that there are.
        records: u64,
        /// The records that there were.
        anchored: u64,
    },
    /// A record is not the one that was there, and everything follows from it.
    #[error("record {0} is another than the one that was there: the log was written anew")]
    Rewritten(u64),
    /// Another process writes to it.
    #[error("the decision log {0} is in use by another process")]
    InUse(PathBuf),
    /// An entry could not be written.
    #[error("an entry of the decision log could not be written: {0}")]
    NotWritten(String),
    /// The writer ended.
    #[error("the decision log is not written any more")]
    Stopped,
}
