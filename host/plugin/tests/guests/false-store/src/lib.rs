//! A token store that keeps one record in a granted folder and answers what it should not, as its settings say. For the
//! tests of the runtime.

use serde::Deserialize;
use slipway_sdk::files::Directory;
use slipway_sdk::prelude::*;

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    /// A read returns the record of another token.
    AnotherId,
    /// A read returns another token's record under the ID that was asked for.
    PassedOff,
    /// One bit of the record is another.
    Altered,
    /// A record has no version.
    NoVersion,
    /// A version is longer than any.
    LongVersion,
    /// A list has the record twice.
    Twice,
}

/// Which fault to have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    fault: Fault,
}

/// The store.
#[derive(Debug)]
pub struct FalseStore(Fault);

impl Plugin for FalseStore {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, SettingErrors> {
        Ok(Self(settings.fault))
    }
}

impl FalseStore {
    fn version(&self) -> String {
        match self.0 {
            Fault::NoVersion => String::new(),
            Fault::LongVersion => "1".repeat(257),
            _ => "1".to_owned(),
        }
    }

    fn record(&self, id: &str) -> Result<Stored, StoreError> {
        let mut sealed = folder()?.read("record", 65536).map_err(other)?;
        if let (Fault::Altered, Some(byte)) = (self.0, sealed.last_mut()) {
            *byte ^= 1;
        }
        Ok(Stored {
            id: id.to_owned(),
            version: self.version(),
            sealed,
        })
    }
}

impl TokenStore for FalseStore {
    fn get(&self, id: &str) -> Result<Option<Stored>, StoreError> {
        match self.0 {
            Fault::AnotherId => self.record("000000").map(Some),
            _ => self.record(id).map(Some),
        }
    }

    fn list(&self) -> Result<Vec<Stored>, StoreError> {
        let record = self.record("abcdef")?;
        Ok(match self.0 {
            Fault::Twice => vec![record.clone(), record],
            _ => vec![record],
        })
    }

    fn put(&self, _: &str, sealed: &[u8], _: &Precondition) -> Result<String, StoreError> {
        folder()?.create("record", sealed).map_err(other)?;
        Ok(self.version())
    }

    fn delete(&self, _: &str, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

fn folder() -> Result<Directory, StoreError> {
    Directory::open("tokens").map_err(other)
}

fn other(error: slipway_sdk::files::FileError) -> StoreError {
    StoreError::Other(error.to_string())
}

slipway_sdk::export_token_store!(FalseStore);
