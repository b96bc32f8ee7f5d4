//! The plugins that come with the program, built and compiled with it.

use std::io;

use slipway_config::digest::Sha256Digest;

/// A plugin inside the program.
pub struct Bundled {
    /// Its name, by which the configuration refers to it.
    pub name: &'static str,
    /// SHA-256 over the component.
    digest: [u8; 32],
    /// The interfaces that it imports and can do without.
    pub(crate) optional_imports: &'static [&'static str],
    /// The component's size in bytes. It is not kept itself: it is looked at in the build, and never run.
    pub(crate) size: u64,
    /// The version of its package.
    pub(crate) version: &'static str,
    /// What it does, in one sentence.
    pub description: &'static str,
    /// The licenses of its package, as an SPDX expression.
    pub(crate) licenses: &'static str,
    /// The component, compiled for the engine of this program, and compressed so that it is there again within a millisecond.
    compiled: &'static [u8],
}

impl Bundled {
    /// SHA-256 over the component.
    pub fn digest(&self) -> Sha256Digest {
        self.digest.into()
    }

    /// The component, compiled for the engine of this program.
    ///
    /// # Errors
    /// When this program is damaged.
    pub(crate) fn compiled(&self) -> io::Result<Vec<u8>> {
        lz4_flex::block::decompress_size_prepended(self.compiled).map_err(io::Error::other)
    }
}

/// All bundled plugins, in the order of their names.
pub fn list() -> &'static [Bundled] {
    BUNDLED
}

/// The bundled plugin of this name.
pub(crate) fn find(name: &str) -> Option<&'static Bundled> {
    BUNDLED.iter().find(|bundled| bundled.name == name)
}

/// The bundled plugin whose name is nearest to `name`, if one is near.
pub fn nearest(name: &str) -> Option<&'static str> {
    slipway_config::nearest(name, BUNDLED.iter().map(|bundled| bundled.name))
}

/// One place in memory: a constant of this size would be copied to wherever it is used.
static BUNDLED: &[Bundled] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));
