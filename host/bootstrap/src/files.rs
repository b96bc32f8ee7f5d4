//! Files that appear whole or not at all, that only their owner can read, and that `reset` can find again.
//!
//! [`Files`] holds the lock of one [`Layout`] and is the only way in which the flows write: each write is
//! announced in the manifest, with its digest, before it becomes visible, so that nothing of ours is ever
//! on disk without standing there.

mod atomic;
mod manifest;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};

use crate::layout::Layout;

pub use atomic::{create_folder, write_atomically, write_link};
pub use manifest::{Entry, Manifest, Written};

/// Something about a file or a folder did not work.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `write`, `create folder`.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process works on the same folders.
    #[error("another slipway is at work in {}", folder.display())]
    Busy {
        /// The state folder.
        folder: PathBuf,
    },
    /// A folder that will hold secrets belongs to somebody else, or others may write to it.
    #[error("the folder {} is not safe for keys: {reason}", folder.display())]
    UnsafeFolder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The manifest is not what we wrote.
    #[error("the manifest {} cannot be read: {reason}", path.display())]
    BadManifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is a file that we did not write where one of ours should go.
    #[error("{} exists, and was not written by slipway", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A file of ours was changed by somebody else, and would have been overwritten.
    #[error("{} was changed since slipway wrote it", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

impl FileError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// Something to be written.
#[derive(Debug)]
pub struct Write<'a> {
    path: PathBuf,
    contents: Contents<'a>,
}

#[derive(Debug)]
enum Contents<'a> {
    File(&'a [u8]),
    Link(&'a str),
}

impl<'a> Write<'a> {
    /// A file, mode 0600.
    pub fn file(path: impl Into<PathBuf>, contents: &'a [u8]) -> Self {
        Self {
            path: path.into(),
            contents: Contents::File(contents),
        }
    }

    /// A symbolic link to a name in its own folder; it replaces the one before in one step.
    pub fn link(path: impl Into<PathBuf>, target: &'a str) -> Self {
        Self {
            path: path.into(),
            contents: Contents::Link(target),
        }
    }
}

/// Writes the files of one layout; holds its lock until dropped.
#[derive(Debug)]
pub struct Files {
    layout: Layout,
    manifest: Manifest,
    _lock: fs::File,
}

impl Files {
    /// Creates the state folder where it is missing, takes its lock and reads the manifest.
    pub fn open(layout: &Layout) -> Result<Self, FileError> {
        let created = create_folder(layout.state())?;
        check_folder(layout.state())?;
        let lock = take_lock(layout)?;
        let mut files = Self {
            layout: layout.clone(),
            manifest: Manifest::load(&layout.manifest())?,
            _lock: lock,
        };
        files.sweep()?;
        let mut fresh = created;
        fresh.retain(|folder| files.manifest.entry(folder).is_none());
        if !fresh.is_empty() || files.manifest.entry(&layout.lock()).is_none() {
            for folder in fresh {
                files.manifest.folder(&folder);
            }
            files.manifest.adopt(&layout.lock(), Entry::Data);
            files.save()?;
        }
        Ok(files)
    }

    /// The layout that is written to.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What was written so far.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether the file was written by an earlier or this run, and still has one of the contents written then.
    pub fn is_ours(&self, path: &Path) -> Result<bool, FileError> {
        self.manifest.matches(path)
    }

    /// Writes a file, mode 0600, whatever the umask; replaces what we wrote there before.
    ///
    /// Fails with [`FileError::Foreign`] where somebody else's file is in the way, with [`FileError::Changed`] where
    /// somebody changed ours.
    pub fn write(&mut self, path: &Path, contents: &[u8]) -> Result<(), FileError> {
        self.write_all(&[Write::file(path, contents)])
    }

    /// The same for several files and links, announced together and written in their order. Nothing is written where one
    /// of them would fail for what is there.
    pub fn write_all(&mut self, writes: &[Write<'_>]) -> Result<(), FileError> {
        for write in writes {
            self.check_replaceable(&write.path)?;
        }
        let mut announced = false;
        for Write { path, contents } in writes {
            // What keeps changing was announced as that.
            if self.manifest.entry(path) == Some(&Entry::Data) {
                continue;
            }
            self.folder_of(path)?;
            match contents {
                Contents::File(contents) => self.manifest.announce(path, contents),
                Contents::Link(target) => self.manifest.link(path, target),
            }
            announced = true;
        }
        if announced {
            self.save()?;
        }
        for Write { path, contents } in writes {
            match contents {
                Contents::File(contents) => write_atomically(path, contents)?,
                Contents::Link(target) => write_link(path, target)?,
            }
            self.manifest.settle(path);
        }
        Ok(())
    }

    /// Records a file that does not exist yet and that Slipway itself will keep changing (a database, a log), so
    /// that `reset` removes it whatever it holds then.
    ///
    /// Fails with [`FileError::Foreign`] where it exists and was not recorded before.
    pub fn adopt(&mut self, path: &Path) -> Result<(), FileError> {
        self.adopt_as(path, Entry::Data)
    }

    /// The same for a folder: everything that will be in it is ours.
    ///
    /// Fails with [`FileError::Foreign`] where it exists and was not recorded before.
    pub fn adopt_folder(&mut self, path: &Path) -> Result<(), FileError> {
        self.adopt_as(path, Entry::DataFolder)
    }

    fn adopt_as(&mut self, path: &Path, entry: Entry) -> Result<(), FileError> {
        if self.manifest.entry(path).is_some() {
            return Ok(());
        }
        if exists(path)? {
            return Err(FileError::Foreign {
                path: path.to_owned(),
            });
        }
        self.folder_of(path)?;
        self.manifest.adopt(path, entry);
        self.save()
    }

    /// Creates a folder, mode 0700.
    pub fn folder(&mut self, path: &Path) -> Result<(), FileError> {
        for created in create_folder(path)? {
            self.manifest.folder(&created);
        }
        self.save()
    }

    /// Removes a file that we wrote, and its entry; a file that is not there is no error.
    pub fn remove(&mut self, path: &Path) -> Result<(), FileError> {
        if self.manifest.entry(path).is_none() {
            return if exists(path)? {
                Err(FileError::Foreign {
                    path: path.to_owned(),
                })
            } else {
                Ok(())
            };
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FileError::io("remove", path, error));
            }
            _ => self.manifest.forget(path),
        }
        self.save()
    }

    /// Removes what a crash left under a temporary name: it can hold a key.
    fn sweep(&self) -> Result<(), FileError> {
        let manifest = self.layout.manifest();
        let ours = self
            .manifest
            .entries()
            .map(|(path, _)| path)
            .chain([manifest.as_path()]);
        for path in ours {
            atomic::remove_temporaries(path)?;
        }
        Ok(())
    }

    fn check_replaceable(&self, path: &Path) -> Result<(), FileError> {
        if self.manifest.entry(path).is_none() {
            return if exists(path)? {
                Err(FileError::Foreign {
                    path: path.to_owned(),
                })
            } else {
                Ok(())
            };
        }
        match self.manifest.inspect(path)? {
            Written::Changed => Err(FileError::Changed {
                path: path.to_owned(),
            }),
            Written::Unchanged | Written::Missing => Ok(()),
        }
    }

    fn folder_of(&mut self, path: &Path) -> Result<(), FileError> {
        let Some(folder) = path.parent() else {
            return Ok(());
        };
        for created in create_folder(folder)? {
            self.manifest.folder(&created);
        }
        Ok(())
    }

    fn save(&self) -> Result<(), FileError> {
        let path = self.layout.manifest();
        let text = self
            .manifest
            .to_json()
            .map_err(|error| FileError::BadManifest {
                path: path.clone(),
                reason: error.to_string(),
            })?;
        write_atomically(&path, &text)
    }
}

/// Whether something is there, a dangling symbolic link included.
pub(crate) fn exists(path: &Path) -> Result<bool, FileError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::io("look at", path, error)),
    }
}

/// Reads a file that may be missing.
pub(crate) fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(contents) => Ok(Some(contents)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::io("read", path, error)),
    }
}

fn check_folder(folder: &Path) -> Result<(), FileError> {
    use std::os::unix::fs::MetadataExt;

    let metadata =
        fs::symlink_metadata(folder).map_err(|error| FileError::io("look at", folder, error))?;
    let refuse = |reason: String| {
        Err(FileError::UnsafeFolder {
            folder: folder.to_owned(),
            reason,
        })
    };
    let user = rustix::process::geteuid().as_raw();
    if !metadata.is_dir() {
        return refuse("it is not a folder".to_owned());
    }
    if metadata.uid() != user {
        return refuse(format!(
            "it belongs to user {}, and this is user {user}",
            metadata.uid()
        ));
    }
    if metadata.mode() & 0o022 != 0 {
        return refuse(format!(
            "others may write to it (mode {:04o})",
            metadata.mode() & 0o7777
        ));
    }
    Ok(())
}

fn take_lock(layout: &Layout) -> Result<fs::File, FileError> {
    let path = layout.lock();
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let descriptor = rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR)
        .map_err(|error| FileError::io("open", &path, error.into()))?;
    let lock = fs::File::from(descriptor);
    rustix::fs::fchmod(&lock, Mode::RUSR | Mode::WUSR)
        .map_err(|error| FileError::io("set the mode of", &path, error.into()))?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(FileError::Busy {
            folder: layout.state().to_owned(),
        }),
        Err(error) => Err(FileError::io("lock", &path, error.into())),
    }
}

#[cfg(test)]
mod tests;
