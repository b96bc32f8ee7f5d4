//! `cargo xtask plugin`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use slipway_guest_build::{GuestBuild, Toolchain};

use crate::command::{say, target_directory};
use crate::setup;

/// Builds the crate in `folder` as a component and puts it into the current folder.
pub(crate) fn run(folder: &Path) -> Result<()> {
    setup::guest_std::ensure()?;
    let folder = fs::canonicalize(folder)
        .with_context(|| format!("there is no crate {}", folder.display()))?;
    let build = GuestBuild::new(
        folder.join("Cargo.toml"),
        target_directory()?.join("guests"),
    );
    for component in build.run(&Toolchain::locate()?)? {
        let file = PathBuf::from(format!("{}.wasm", component.name));
        fs::copy(&component.path, &file)
            .with_context(|| format!("cannot write {}", file.display()))?;
        say(&format!("{} is a component", file.display()));
    }
    Ok(())
}
