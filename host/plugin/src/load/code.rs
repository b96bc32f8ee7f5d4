//! The bytes of a component: where they come from, and how they become code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use slipway_config::digest::Sha256Digest;
use slipway_config::plugin::{PluginEntry, PluginSource};
use wasmtime::component::Component;

use super::Cache;
use super::optional::optional_imports;
use crate::LoadError;
use crate::bundled::{self, Bundled};
use crate::engine::Engine;
use crate::inspection::Metadata;
use crate::regular;
use crate::text::one_line;

/// The largest component that is read, in bytes. Those made from Python have 18 MB.
const COMPONENT_BYTES: u64 = 128 * 1024 * 1024;

/// A component's bytes, read once: what is checked is what is compiled.
pub(crate) enum Code {
    /// In this program.
    Bundled(&'static Bundled),
    /// From a file.
    Read(Vec<u8>),
}

impl Code {
    /// Finds the component of an entry and checks its digest.
    pub(crate) fn read(entry: &PluginEntry) -> Result<Self, LoadError> {
        let plugin = entry.name.as_str();
        let code = match &entry.source {
            PluginSource::Bundled(name) => Self::bundled(name.as_str())?,
            PluginSource::Path(path) => Self::file(plugin, path)?,
            PluginSource::Oci(_) => {
                return Err(LoadError::OciUnsupported {
                    plugin: plugin.to_owned(),
                    reference: entry.source.to_string(),
                });
            }
        };
        match &entry.digest {
            Some(expected) if *expected != code.digest() => Err(LoadError::DigestMismatch {
                plugin: plugin.to_owned(),
                expected: *expected,
                found: code.digest(),
            }),
            _ => Ok(code),
        }
    }

    /// A bundled component.
    pub(crate) fn bundled(name: &str) -> Result<Self, LoadError> {
        bundled::find(name)
            .map(Self::Bundled)
            .ok_or_else(|| LoadError::UnknownBundled {
                name: name.to_owned(),
                suggestion: bundled::nearest(name).map(str::to_owned),
            })
    }

    /// The component's size in bytes, and what it says about itself.
    pub(crate) fn described(&self) -> (u64, Metadata) {
        match self {
            Self::Bundled(bundled) => (bundled.size, (*bundled).into()),
            Self::Read(bytes) => (bytes.len() as u64, Metadata::of(bytes)),
        }
    }

    /// A component in a file.
    pub(crate) fn file(plugin: &str, path: &Path) -> Result<Self, LoadError> {
        let unreadable = |source| LoadError::Unreadable {
            plugin: plugin.to_owned(),
            path: PathBuf::from(path),
            source,
        };
        regular::open(path, OFlags::empty())
            .and_then(|file| regular::read(file, COMPONENT_BYTES))
            .map_err(unreadable)?
            .map(Self::Read)
            .ok_or_else(|| LoadError::TooLarge {
                plugin: plugin.to_owned(),
                path: PathBuf::from(path),
                limit: COMPONENT_BYTES,
            })
    }

    /// The interfaces that the component imports and can do without.
    pub(super) fn optional_imports(&self) -> BTreeSet<String> {
        match self {
            Self::Bundled(bundled) => bundled
                .optional_imports
                .iter()
                .map(ToString::to_string)
                .collect(),
            Self::Read(bytes) => optional_imports(bytes),
        }
    }

    /// SHA-256 over the component.
    pub(crate) fn digest(&self) -> Sha256Digest {
        match self {
            Self::Bundled(bundled) => bundled.digest(),
            Self::Read(bytes) => Sha256Digest::of(bytes),
        }
    }

    /// The compiled component.
    pub(super) fn component(
        &self,
        plugin: &str,
        engine: &Engine,
        cache: Option<&Cache>,
    ) -> Result<Component, LoadError> {
        match self {
            Self::Bundled(bundled) => {
                let compiled = bundled
                    .compiled()
                    .map_err(|error| damaged(bundled, &error))?;
                load_compiled(engine, &compiled).map_err(|error| LoadError::Runtime {
                    reason: format!("{error:#}"),
                })
            }
            Self::Read(bytes) => match cache {
                Some(cache) => cache.component(plugin, engine, bytes),
                None => Component::new(engine.wasmtime(), bytes)
                    .map_err(|error| not_a_component(plugin, bytes, &error)),
            },
        }
    }
}

fn damaged(bundled: &Bundled, error: &std::io::Error) -> LoadError {
    LoadError::Runtime {
        reason: format!("the bundled plugin {} is damaged: {error}", bundled.name),
    }
}

/// Loads code that this program compiled, in its build or into its own cache.
#[expect(
    unsafe_code,
    reason = "compiled code can only be loaded so; where it comes from is checked"
)]
pub(super) fn load_compiled(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are the output of the same version's compiler, unchanged: they are a part of this program,
    // or were read from the cache, which only this user can write to, and match the digest written with them.
    unsafe { Component::deserialize(engine.wasmtime(), compiled) }
}

/// Why bytes do not compile.
pub(super) fn not_a_component(plugin: &str, bytes: &[u8], error: &wasmtime::Error) -> LoadError {
    const MAGIC: &[u8] = b"\0asm";
    const MODULE: &[u8] = b"\0asm\x01\0\0\0";
    let reason = if bytes.starts_with(MODULE) {
        "it is a core module; make a component of it with `wasm-tools component new`".to_owned()
    } else if bytes.starts_with(MAGIC) {
        one_line(&error.root_cause().to_string())
    } else {
        "it does not begin as WebAssembly does".to_owned()
    };
    LoadError::NotAComponent {
        plugin: plugin.to_owned(),
        reason,
    }
}
