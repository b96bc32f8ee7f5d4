//! Folders that a plugin may open.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GrantError, anchored};
use crate::text::{quoted, schema_as_written};

/// A folder that a plugin may open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "WrittenFilesystem")]
pub struct FilesystemGrant {
    /// What the plugin calls the folder.
    pub name: String,
    /// The folder. A relative path counts from the folder of the file that holds the configuration.
    pub path: PathBuf,
    /// Whether it may write there, too.
    pub writable: bool,
}

impl FilesystemGrant {
    pub(super) fn summary(&self) -> String {
        let access = if self.writable {
            "read-write"
        } else {
            "read-only"
        };
        format!(
            "filesystem {} = {} {access}",
            self.name,
            self.path.display()
        )
    }
}

schema_as_written!(FilesystemGrant, WrittenFilesystem);

/// A grant for files as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "FilesystemGrant")]
struct WrittenFilesystem {
    /// What the plugin calls the folder.
    name: String,
    /// The folder. A relative path counts from the folder of the file that holds the configuration.
    path: PathBuf,
    /// Whether it may write there, too.
    #[serde(default)]
    writable: bool,
}

impl TryFrom<WrittenFilesystem> for FilesystemGrant {
    type Error = GrantError;

    fn try_from(written: WrittenFilesystem) -> Result<Self, GrantError> {
        let WrittenFilesystem {
            name,
            path,
            writable,
        } = written;
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(GrantError::FolderName {
                name: quoted(&name),
            });
        }
        anchored(&path)?;
        Ok(Self {
            name,
            path,
            writable,
        })
    }
}
