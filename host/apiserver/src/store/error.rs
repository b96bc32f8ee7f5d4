//! Why a store does not open, and why a write is not done.

use std::path::PathBuf;
use std::sync::Arc;

use super::Record;

/// Why a store does not open. What is in the file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the store {} is in use by another process", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The path is something else than a file.
    #[error("the store {} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file was written by something else.
    #[error("{} is not a Slipway store: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// How that shows.
        reason: String,
    },
    /// The file was written by another version of Slipway.
    #[error("the store {} has format {found}, and this version of Slipway reads format {expected}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The format of this version.
        expected: u64,
    },
    /// What is in the file is not what was written.
    #[error("the store {} is damaged: {reason}; it was left as it is", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The file system refuses.
    #[error("cannot open the store {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: std::io::Error,
    },
    /// The database refuses for another reason.
    #[error("cannot open the store {}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: redb::Error,
    },
}

/// Why a write was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// A create met an object.
    #[error("there is an object of that name")]
    Exists(Arc<Record>),
    /// The object to be changed is not there.
    #[error("there is no object of that name")]
    Missing,
    /// The object was changed since it was read; this is how it is now.
    #[error("the object was changed by somebody else")]
    Changed(Arc<Record>),
    /// The namespace to write into does not exist.
    #[error("there is no such namespace")]
    NoNamespace,
    /// The namespace to write into is being deleted.
    #[error("the namespace is being deleted")]
    NamespaceTerminating,
    /// The namespace to be removed has something in it.
    #[error("the namespace is not empty")]
    NamespaceNotEmpty,
    /// The file could not be written. Whether the write took place is not known until the store has
    /// opened the file anew, which it tries before the next write.
    #[error("the store cannot be written: {0}")]
    Storage(Arc<str>),
    /// The same, since there is no room for it on the disk.
    #[error("the store cannot be written: {0}")]
    Full(Arc<str>),
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

/// The moment asked for is not, or no longer, in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("revision {wanted} is not in the history, which goes from {oldest} to {newest}")]
pub(crate) struct OutOfHistory {
    /// The revision asked for.
    pub(crate) wanted: u64,
    /// The oldest that can be served.
    pub(crate) oldest: u64,
    /// The newest.
    pub(crate) newest: u64,
}
