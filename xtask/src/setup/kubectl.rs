//! Debian's kubectl, an independent client for the tests: its package, unpacked into the cache, since the
//! machine may have another kubectl in its place.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::apt;
use crate::command::{run_quietly, say};

const PACKAGE: &str = "kubernetes-client";

/// The kubectl that the tests use.
pub(crate) fn kubectl() -> Result<PathBuf> {
    let unpacked = super::cache()?.join(PACKAGE).join("usr/bin/kubectl");
    if unpacked.is_file() {
        return Ok(unpacked);
    }
    super::on_path("kubectl").with_context(|| {
        format!(
            "there is no kubectl; install one, or Debian's {PACKAGE}, and run `cargo xtask setup`"
        )
    })
}

/// Gets it where apt can; elsewhere one on PATH has to do.
pub(super) fn ensure() -> Result<()> {
    let folder = super::cache()?.join(PACKAGE);
    if folder.is_dir() {
        return Ok(());
    }
    if !apt::is_there() {
        kubectl()?;
        return Ok(());
    }
    say("setup: getting kubectl from Debian's package");
    super::make_folder(&folder, |folder| {
        let package = apt::Archive::of_this_machine()?.download(PACKAGE)?;
        run_quietly(
            Command::new("dpkg")
                .arg("-x")
                .arg(package.path())
                .arg(folder),
        )
    })
}
