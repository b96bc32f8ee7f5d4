//! What the build and the tests need beyond the Rust toolchain: got once, kept in the user's cache folder by
//! version, never written into a toolchain or the system.

mod apt;
pub(crate) mod guest_std;
mod kubectl;
mod kubernetes;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::command::say;

pub(crate) use kubectl::kubectl;
pub(crate) use kubernetes::kubernetes;
pub(crate) use tools::{CARGO_DENY, CARGO_MUTANTS, CARGO_NEXTEST, ensure};

/// Gets whatever is missing.
pub(crate) fn run() -> Result<()> {
    guest_std::ensure()?;
    ensure(&CARGO_DENY)?;
    ensure(&CARGO_NEXTEST)?;
    kubectl::ensure()?;
    kubernetes::ensure()?;
    say("setup: everything is there");
    Ok(())
}

/// Slipway's folder in the user's cache.
fn cache() -> Result<PathBuf> {
    let version = slipway_guest_build::compiler_version()?;
    let sysroot = slipway_guest_build::cached_sysroot(&version)?;
    Ok(sysroot.parent().map(Path::to_owned).unwrap_or_default())
}

/// Makes a folder whole or not at all: `fill` works on a temporary one, which is then renamed.
fn make_folder(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = folder.parent().context("a cache folder has a parent")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    let temporary = tempfile::tempdir_in(parent)
        .with_context(|| format!("cannot create a folder in {}", parent.display()))?;
    fill(temporary.path())?;
    let temporary = temporary.keep();
    fs::rename(&temporary, folder).with_context(|| format!("cannot create {}", folder.display()))
}

/// A program of this machine.
fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}
