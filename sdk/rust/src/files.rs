//! Files in the folders that the operator granted (`filesystem` grants), by the grant's name.
//!
//! `std::fs` does not work in a plugin. Paths are relative to the folder, and cannot leave it.

use thiserror::Error;

use crate::host;

/// A granted folder.
#[derive(Debug)]
pub struct Directory {
    name: String,
    directory: host::Directory,
}

impl Directory {
    /// The folder that was granted under `name`.
    ///
    /// # Errors
    /// [`Reason::NotGranted`]: there is no such grant.
    pub fn open(name: &str) -> Result<Self, FileError> {
        let directory = host::Directory::open(name).ok_or_else(|| FileError {
            path: name.to_owned(),
            reason: Reason::NotGranted,
        })?;
        Ok(Self {
            name: name.to_owned(),
            directory,
        })
    }

    /// Reads a file, or refuses it if it is larger than `limit` bytes.
    ///
    /// # Errors
    /// It cannot be read, or is larger.
    pub fn read(&self, path: &str, limit: usize) -> Result<Vec<u8>, FileError> {
        self.name_it(path, self.directory.read(path, limit))
    }

    /// Reads a text, or refuses it if it is larger than `limit` bytes.
    ///
    /// # Errors
    /// It cannot be read, is larger, or is not UTF-8.
    pub fn read_text(&self, path: &str, limit: usize) -> Result<String, FileError> {
        let bytes = self.read(path, limit)?;
        self.name_it(path, String::from_utf8(bytes).map_err(|_| Reason::NotUtf8))
    }

    /// The names of what is in the folder, in no order.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn names(&self) -> Result<Vec<String>, FileError> {
        self.name_it("", self.directory.names())
    }

    /// Makes a file that is not there yet, and has its content on the disk before it returns. A crash can leave
    /// part of it: write under a temporary name, then [`rename`](Self::rename) or [`link`](Self::link).
    ///
    /// # Errors
    /// [`Reason::Exists`]: something has that name. Else it cannot be written.
    pub fn create(&self, path: &str, content: &[u8]) -> Result<(), FileError> {
        self.name_it(path, self.directory.create(path, content))
    }

    /// Gives a file another name, in the place of what may have that name.
    ///
    /// # Errors
    /// It is not there, or the folder cannot be written.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), FileError> {
        self.name_it(from, self.directory.rename(from, to))
    }

    /// Gives a file a second name that nothing has yet: of several that try, one succeeds.
    ///
    /// # Errors
    /// [`Reason::Exists`]: something has that name. Else the folder cannot be written.
    pub fn link(&self, from: &str, to: &str) -> Result<(), FileError> {
        self.name_it(to, self.directory.link(from, to))
    }

    /// Removes a file.
    ///
    /// # Errors
    /// It is not there, or the folder cannot be written.
    pub fn remove(&self, path: &str) -> Result<(), FileError> {
        self.name_it(path, self.directory.remove(path))
    }

    /// Has the names in the folder on the disk before it returns.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn sync(&self) -> Result<(), FileError> {
        self.name_it("", self.directory.sync())
    }

    fn name_it<T>(&self, path: &str, result: Result<T, Reason>) -> Result<T, FileError> {
        result.map_err(|reason| FileError {
            path: match path {
                "" => self.name.clone(),
                path => format!("{}/{path}", self.name),
            },
            reason,
        })
    }
}

/// A file that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {reason}")]
pub struct FileError {
    /// The file: the grant's name and the path in its folder.
    pub path: String,
    /// What is the matter.
    pub reason: Reason,
}

/// What is the matter with a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Reason {
    /// No folder was granted under this name.
    #[error(
        "no folder was granted under this name; add it to the plugin's grants under filesystem"
    )]
    NotGranted,
    /// There is no such file.
    #[error("there is no such file")]
    NotFound,
    /// Something has that name already.
    #[error("there is something of this name already")]
    Exists,
    /// The file system or the grant does not let the plugin do this.
    #[error("not permitted; does the grant say writable?")]
    NotPermitted,
    /// It is a folder or something else that cannot be read.
    #[error("it is not a regular file")]
    NotAFile,
    /// It is larger than the plugin reads.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The most that the plugin reads.
        limit: usize,
    },
    /// It is not text.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// The disk is full, or a quota is.
    #[error("the disk is full")]
    NoSpace,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}
