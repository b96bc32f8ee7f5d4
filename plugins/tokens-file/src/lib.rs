//! Keeps bootstrap tokens in the granted folder `tokens`: for each one a file whose name is the token's ID and the number
//! of its version, `abcdef.3`.
//!
//! Several calls may run at once, and the machine may stop at any moment. So a change is written under a temporary name
//! first, and then linked to the next number, which succeeds for one of several that try. The highest number counts; what
//! is older goes afterwards, the oldest first.
//!
//! A removal is a change, too: to a small file that says so. It has to stay for as long as a call can be under way that read
//! the version before it: that call wants the very number that the removal has, and would bring the token back if it were
//! free. Nothing tells a component how much time has passed, so the newest removals are kept, some hundreds of them: a
//! second name for each, `removed.7.abcdef.4`, tells their order. After that many others a number may come back.

mod folder;
mod record;

use slipway_sdk::files::Directory;
use slipway_sdk::grants::Grants;
use slipway_sdk::prelude::*;

use folder::Folder;
use record::{Content, Record};

/// The name of the folder among the grants.
const GRANT: &str = "tokens";

/// Keeps tokens in files.
#[derive(Debug)]
pub struct TokensFile;

impl Plugin for TokensFile {
    type Settings = NoSettings;

    fn configure(NoSettings {}: NoSettings) -> Result<Self, SettingErrors> {
        Grants::load()?.need_writable_folder("", GRANT)?;
        Ok(Self)
    }
}

impl TokenStore for TokensFile {
    fn get(&self, id: &str) -> Result<Option<Stored>, StoreError> {
        let folder = open()?;
        Ok(folder.newest(id)?.and_then(Record::into_stored))
    }

    fn list(&self) -> Result<Vec<Stored>, StoreError> {
        let folder = open()?;
        let records = folder.all()?;
        Ok(records
            .into_iter()
            .filter_map(Record::into_stored)
            .collect())
    }

    fn put(
        &self,
        id: &str,
        sealed: &[u8],
        precondition: &Precondition,
    ) -> Result<String, StoreError> {
        let folder = open()?;
        let current = folder.newest(id)?;
        let holds = match (precondition, current.as_ref().and_then(Record::version)) {
            (Precondition::Absent, None) => true,
            (Precondition::Version(required), Some(version)) => *required == version,
            _ => false,
        };
        if !holds {
            return Err(StoreError::Conflict);
        }
        let next = Record::after(current.as_ref(), id, Content::Sealed(sealed.to_vec()))?;
        folder.append(&next)?;
        next.version().ok_or(StoreError::Conflict)
    }

    fn delete(&self, id: &str, version: &str) -> Result<(), StoreError> {
        let folder = open()?;
        let current = folder.newest(id)?;
        if current.as_ref().and_then(Record::version).as_deref() != Some(version) {
            return Err(StoreError::Conflict);
        }
        let removal = Record::after(current.as_ref(), id, Content::Removed)?;
        folder.append(&removal)?;
        // It is removed, whatever becomes of what is left of earlier ones.
        if let Err(error) = folder.note_removal(&removal.name) {
            log::warn(
                "old removals could not be cleared",
                &[("error", &error.to_string())],
            );
        }
        Ok(())
    }
}

fn open() -> Result<Folder, StoreError> {
    Directory::open(GRANT)
        .map(Folder::new)
        .map_err(|error| StoreError::Other(error.to_string()))
}

slipway_sdk::export_token_store!(TokensFile);

#[cfg(test)]
mod tests;
