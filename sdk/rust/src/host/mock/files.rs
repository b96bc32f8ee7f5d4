//! Folders in memory.

use super::ask;
use super::mock_host::Folder;
use crate::files::Reason;

/// A folder in memory.
#[derive(Debug)]
pub(crate) struct Directory(String);

impl Directory {
    pub(crate) fn open(name: &str) -> Option<Self> {
        ask(|host| host.directories.contains_key(name)).then(|| Self(name.to_owned()))
    }

    pub(crate) fn read(&self, path: &str, limit: usize) -> Result<Vec<u8>, Reason> {
        self.look(|folder| {
            let content = folder.files.get(path).ok_or(Reason::NotFound)?;
            if content.len() > limit {
                return Err(Reason::TooLarge { limit });
            }
            Ok(content.clone())
        })
    }

    pub(crate) fn names(&self) -> Result<Vec<String>, Reason> {
        self.look(|folder| Ok(folder.files.keys().cloned().collect()))
    }

    pub(crate) fn create(&self, path: &str, content: &[u8]) -> Result<(), Reason> {
        self.change(|folder| {
            if folder.files.contains_key(path) {
                return Err(Reason::Exists);
            }
            folder.files.insert(path.to_owned(), content.to_vec());
            Ok(())
        })
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), Reason> {
        self.change(|folder| {
            let content = folder.files.remove(from).ok_or(Reason::NotFound)?;
            folder.files.insert(to.to_owned(), content);
            Ok(())
        })
    }

    pub(crate) fn link(&self, from: &str, to: &str) -> Result<(), Reason> {
        self.change(|folder| {
            let content = folder.files.get(from).ok_or(Reason::NotFound)?.clone();
            if folder.files.contains_key(to) {
                return Err(Reason::Exists);
            }
            folder.files.insert(to.to_owned(), content);
            Ok(())
        })
    }

    pub(crate) fn remove(&self, path: &str) -> Result<(), Reason> {
        self.change(|folder| folder.files.remove(path).map(drop).ok_or(Reason::NotFound))
    }

    pub(crate) fn sync(&self) -> Result<(), Reason> {
        Ok(())
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Folder) -> Result<T, Reason>,
    ) -> Result<T, Reason> {
        self.look(|folder| {
            if folder.read_only {
                return Err(Reason::NotPermitted);
            }
            if let Some(writes) = &mut folder.writes_left {
                *writes = writes.checked_sub(1).ok_or(Reason::NoSpace)?;
            }
            change(folder)
        })
    }

    fn look<T>(&self, look: impl FnOnce(&mut Folder) -> Result<T, Reason>) -> Result<T, Reason> {
        ask(|host| look(host.directories.get_mut(&self.0).ok_or(Reason::NotFound)?))
    }
}
