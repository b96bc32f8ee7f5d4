//! Compiled components, kept for the next start. Compiled code runs with the host's own authority, so that nothing is
//! loaded that anybody else could have written: the folder and its files belong to this user alone, and each file
//! carries the digest of its content.

use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use slipway_config::digest::Sha256Digest;
use tempfile::NamedTempFile;
use wasmtime::component::Component;

use super::code::{load_compiled, not_a_component};
use crate::LoadError;
use crate::engine::Engine;
use crate::regular;

/// The largest file that is read, in bytes; compiled code is up to five times the component.
const COMPILED_BYTES: u64 = 1024 * 1024 * 1024;
/// The length of the digest at the beginning of a file.
const DIGEST_BYTES: usize = 32;

/// A folder of compiled components.
#[derive(Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// A cache in `folder`, which is made when it is first used.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The compiled form of a component, from the cache if it is there.
    pub(super) fn component(
        &self,
        plugin: &str,
        engine: &Engine,
        bytes: &[u8],
    ) -> Result<Component, LoadError> {
        self.prepare()?;
        let path = self.path(engine, bytes);
        if let Some(component) = load(engine, &path) {
            return Ok(component);
        }
        let component = Component::new(engine.wasmtime(), bytes)
            .map_err(|error| not_a_component(plugin, bytes, &error))?;
        // Without the file the next start compiles again, which is no reason to refuse this one.
        let kept = component
            .serialize()
            .map_err(io::Error::other)
            .and_then(|compiled| self.keep(&path, &compiled));
        if let Err(error) = kept {
            tracing::warn!(path = %path.display(), "a compiled plugin could not be kept: {error}");
        }
        Ok(component)
    }

    /// The name holds what the code depends on: the component, and the compiler's version and settings.
    fn path(&self, engine: &Engine, bytes: &[u8]) -> PathBuf {
        let digest = Sha256Digest::of(bytes).to_hex();
        let engine = engine.fingerprint();
        self.folder.join(format!("{digest}-{engine:016x}.cwasm"))
    }

    /// Makes the folder, or checks the one that is there.
    fn prepare(&self) -> Result<(), LoadError> {
        let unusable = |reason: String| LoadError::Cache {
            path: self.folder.clone(),
            reason,
        };
        if let Some(parent) = self.folder.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)
                .map_err(|error| unusable(error.to_string()))?;
        }
        match DirBuilder::new().mode(0o700).create(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(unusable(error.to_string()));
            }
            _ => {}
        }
        let metadata =
            fs::symlink_metadata(&self.folder).map_err(|error| unusable(error.to_string()))?;
        if !metadata.is_dir() {
            return Err(unusable("it is not a folder".to_owned()));
        }
        private(&metadata).map_err(|reason| unusable(reason.to_owned()))
    }

    fn keep(&self, path: &Path, compiled: &[u8]) -> io::Result<()> {
        // NamedTempFile has mode 0600 whatever the umask.
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.write_all(Sha256Digest::of(compiled).as_bytes())?;
        file.write_all(compiled)?;
        file.persist(path)?;
        Ok(())
    }
}

/// Loads a file of the cache. What is there and cannot be used is as if it were not there; the log says why.
fn load(engine: &Engine, path: &Path) -> Option<Component> {
    let loaded = read(path).and_then(|bytes| {
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        let (digest, compiled) = bytes
            .split_at_checked(DIGEST_BYTES)
            .ok_or_else(|| io::Error::other("it is cut short"))?;
        if Sha256Digest::of(compiled).as_bytes() != digest {
            return Err(io::Error::other("it does not match its digest"));
        }
        load_compiled(engine, compiled)
            .map(Some)
            .map_err(io::Error::other)
    });
    loaded.unwrap_or_else(|error| {
        tracing::warn!(path = %path.display(), "a compiled plugin is not used, and compiled again: {error}");
        None
    })
}

/// The bytes of a file; none where there is none.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match regular::open(path, OFlags::NOFOLLOW) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    private(&file.metadata()?).map_err(io::Error::other)?;
    match regular::read(file, COMPILED_BYTES)? {
        Some(bytes) => Ok(Some(bytes)),
        None => Err(io::Error::other("it is larger than any compiled plugin")),
    }
}

/// Whether this user alone can write, and read, a file or folder.
fn private(metadata: &fs::Metadata) -> Result<(), &'static str> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        Err("it belongs to another user")
    } else if metadata.mode() & 0o077 != 0 {
        Err(
            "others than its owner have access to it; expected mode 0700 for the folder, 0600 for a file",
        )
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
