//! The list of what was written on this machine: what `reset` may remove, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{FileError, read_optional};

/// What was written, by absolute path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    version: u32,
    entries: BTreeMap<PathBuf, Entry>,
}

/// One path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum Entry {
    /// A file with one of these contents: the last one is the newest; an older one stands only where a crash
    /// could have kept the newest from reaching the disk.
    File {
        /// SHA-256 in hex.
        digests: Vec<String>,
    },
    /// A symbolic link.
    Link {
        /// Where it points.
        target: String,
    },
    /// A folder that did not exist before.
    Folder,
    /// A file that Slipway keeps changing while it runs.
    Data,
    /// A folder that Slipway keeps filling while it runs; everything in it is ours.
    DataFolder,
}

/// What is found at a path of the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// What we wrote.
    Unchanged,
    /// Something else.
    Changed,
    /// Nothing.
    Missing,
}

const VERSION: u32 = 1;

impl Manifest {
    /// Reads a manifest; a missing one is empty.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let Some(text) = read_optional(path)? else {
            return Ok(Self {
                version: VERSION,
                entries: BTreeMap::new(),
            });
        };
        let bad = |reason: String| FileError::BadManifest {
            path: path.to_owned(),
            reason,
        };
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        if manifest.version != VERSION {
            return Err(bad(format!(
                "it has version {}, expected {VERSION}",
                manifest.version
            )));
        }
        if let Some(path) = manifest.entries.keys().find(|path| !path.is_absolute()) {
            return Err(bad(format!("{path:?} is not an absolute path")));
        }
        Ok(manifest)
    }

    /// The entry of a path.
    pub fn entry(&self, path: &Path) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// All entries, in the order of their paths: a folder before what is in it.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (&Path, &Entry)> {
        self.entries
            .iter()
            .map(|(path, entry)| (path.as_path(), entry))
    }

    /// Compares what is on disk with what was written.
    pub fn inspect(&self, path: &Path) -> Result<Written, FileError> {
        let Some(entry) = self.entries.get(path) else {
            return Ok(Written::Changed);
        };
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Written::Missing),
            Err(error) => return Err(FileError::io("look at", path, error)),
        };
        let unchanged = match entry {
            Entry::File { digests } if metadata.is_file() => {
                let contents =
                    fs::read(path).map_err(|error| FileError::io("read", path, error))?;
                digests.contains(&digest(&contents))
            }
            Entry::Link { target } if metadata.is_symlink() => {
                let found =
                    fs::read_link(path).map_err(|error| FileError::io("read", path, error))?;
                found == Path::new(target)
            }
            Entry::Folder => metadata.is_dir(),
            Entry::Data => metadata.is_file(),
            Entry::DataFolder => metadata.is_dir(),
            _ => false,
        };
        Ok(if unchanged {
            Written::Unchanged
        } else {
            Written::Changed
        })
    }

    pub(super) fn matches(&self, path: &Path) -> Result<bool, FileError> {
        Ok(self.inspect(path)? == Written::Unchanged)
    }

    pub(super) fn announce(&mut self, path: &Path, contents: &[u8]) {
        let digest = digest(contents);
        match self.entries.get_mut(path) {
            Some(Entry::File { digests }) => {
                digests.retain(|known| *known != digest);
                digests.push(digest);
            }
            _ => {
                self.entries.insert(
                    path.to_owned(),
                    Entry::File {
                        digests: vec![digest],
                    },
                );
            }
        }
    }

    pub(super) fn settle(&mut self, path: &Path) {
        if let Some(Entry::File { digests }) = self.entries.get_mut(path) {
            let superseded = digests.len().saturating_sub(1);
            digests.drain(..superseded);
        }
    }

    pub(super) fn link(&mut self, path: &Path, target: &str) {
        self.entries.insert(
            path.to_owned(),
            Entry::Link {
                target: target.to_owned(),
            },
        );
    }

    pub(super) fn folder(&mut self, path: &Path) {
        self.entries.insert(path.to_owned(), Entry::Folder);
    }

    pub(super) fn adopt(&mut self, path: &Path, entry: Entry) {
        self.entries.insert(path.to_owned(), entry);
    }

    pub(super) fn forget(&mut self, path: &Path) {
        self.entries.remove(path);
    }

    /// Fails for a path that is not UTF-8.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec_pretty(self)
    }
}

fn digest(contents: &[u8]) -> String {
    use std::fmt::Write;

    let digest = ring::digest::digest(&ring::digest::SHA256, contents);
    digest
        .as_ref()
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
