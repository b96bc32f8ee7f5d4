//! Folders of the host, each under a name that the operator chose, read-only unless granted otherwise.

mod repeatable;

use std::collections::BTreeSet;
use std::path::PathBuf;

use slipway_config::plugin::Grants;
use wasmtime::component::Linker;
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::filesystem;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::{Access, Capability, Inert};
use crate::call::CallState;
use crate::{ExtensionPoint, LoadError};
pub(crate) use repeatable::FileSession;

/// Folders.
pub(crate) struct Files;

impl Capability for Files {
    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:filesystem/types", "wasi:filesystem/preopens"]
    }

    fn access(&self, grants: &Grants, _: ExtensionPoint) -> Access {
        if grants.filesystem.is_empty() {
            Access::NeedsGrant {
                grant: "grants: {filesystem: [{name: NAME, path: /a/folder}]}",
                inert: Inert::Always,
            }
        } else {
            Access::Open
        }
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        filesystem::types::add_to_linker::<CallState, WasiFilesystem>(
            linker,
            CallState::filesystem,
        )?;
        filesystem::preopens::add_to_linker::<CallState, WasiFilesystem>(
            linker,
            CallState::filesystem,
        )?;
        repeatable::link(linker)
    }
}

/// The folders of one plugin, checked.
pub(crate) struct Folders(Vec<Folder>);

struct Folder {
    name: String,
    path: PathBuf,
    permissions: FsPerms,
}

impl Folders {
    /// Checks the grants: folders under names of their own, that are there unless calls are only replayed.
    pub(crate) fn check(plugin: &str, grants: &Grants, live: bool) -> Result<Self, LoadError> {
        let mut names = BTreeSet::new();
        grants
            .filesystem
            .iter()
            .enumerate()
            .map(|(index, grant)| {
                let invalid = |reason: String| LoadError::InvalidGrant {
                    plugin: plugin.to_owned(),
                    grant: format!("filesystem[{index}]"),
                    reason,
                };
                if !names.insert(&grant.name) {
                    return Err(invalid(format!(
                        "the name {:?} is given to two folders",
                        grant.name
                    )));
                }
                if live && !grant.path.is_dir() {
                    return Err(invalid(format!("{} is not a folder", grant.path.display())));
                }
                Ok(Folder {
                    name: grant.name.clone(),
                    path: grant.path.clone(),
                    permissions: if grant.writable {
                        FsPerms::ReadWrite
                    } else {
                        FsPerms::ReadOnly
                    },
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Opens the folders for a call; in a replay what stands for them.
    pub(crate) fn configure(
        &self,
        builder: &mut WasiCtxBuilder,
        session: &FileSession,
    ) -> wasmtime::Result<()> {
        for folder in &self.0 {
            let stand_in = session.stand_in(&folder.name)?;
            let path = stand_in.as_ref().unwrap_or(&folder.path);
            builder.preopened_dir(path, &folder.name, folder.permissions)?;
        }
        Ok(())
    }
}
