//! The standard library for guests: rustup's where rustup can have it, else built from the sources that Debian
//! packages for exactly this compiler.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use slipway_guest_build::{TARGET, Toolchain, cached_sysroot, compiler_version};

use super::apt;
use crate::command::{cargo, run_quietly, say};

/// The sources of one compiler's standard library.
struct Sources {
    compiler: &'static str,
    suite: &'static str,
    package: &'static str,
    sha256: &'static str,
    folder: &'static str,
}

const SOURCES: Sources = Sources {
    compiler: "1.95.0",
    suite: "trixie-backports",
    package: "rust-src=1.95.0+dfsg1-2~bpo13+1",
    sha256: "7b76db5b880a77f9e52975d2baa6209d2f76d2c9c2789515c3088cb960e2c83b",
    folder: "usr/src/rustc-1.95.0/library",
};

/// Makes sure that guests can be built.
pub(crate) fn ensure() -> Result<()> {
    if Toolchain::locate().is_ok() {
        return Ok(());
    }
    say(&format!("setup: adding the target {TARGET}"));
    let by_rustup = run_quietly(Command::new("rustup").args(["target", "add", TARGET]));
    if by_rustup.is_ok() && Toolchain::locate().is_ok() {
        return Ok(());
    }
    say(
        "setup: rustup cannot have it; building the standard library from Debian's sources (a minute, once)",
    );
    build(&compiler_version()?).with_context(|| {
        format!(
            "no standard library for {TARGET} (rustup: {})",
            by_rustup.err().map_or_else(
                || "added it, but rustc does not find it".to_owned(),
                |error| error.to_string()
            )
        )
    })?;
    Toolchain::locate().map(drop)
}

fn build(compiler: &str) -> Result<()> {
    ensure!(
        compiler == SOURCES.compiler,
        "sources are known for rustc {} only, and this is {compiler}",
        SOURCES.compiler
    );
    ensure!(
        apt::is_there(),
        "this machine has no apt to get the sources with"
    );
    let package = apt::Archive::of_suite(SOURCES.suite)?.download(SOURCES.package)?;
    check_digest(package.path())?;
    let work = tempfile::tempdir().context("cannot create a temporary folder")?;
    run_quietly(
        Command::new("dpkg")
            .arg("-x")
            .arg(package.path())
            .arg(work.path()),
    )?;
    let library = work.path().join(SOURCES.folder);
    let target = work.path().join("target");
    run_quietly(
        cargo()
            .args(["build", "--release", "--locked", "--target", TARGET])
            .args(["--features", "panic-unwind compiler-builtins-mem backtrace", "--manifest-path"])
            .arg(library.join("sysroot/Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("__CARGO_DEFAULT_LIB_METADATA", "stablestd")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env(
                "RUSTFLAGS",
                format!(
                    "-Zforce-unstable-if-unmarked -Cembed-bitcode=yes --remap-path-prefix={}=/rustc/std/library",
                    library.display()
                ),
            ),
    )?;
    super::make_folder(&cached_sysroot(compiler)?, |sysroot| {
        copy_libraries(
            &target.join(TARGET).join("release/deps"),
            &sysroot.join("lib/rustlib").join(TARGET).join("lib"),
        )
    })
}

fn check_digest(package: &Path) -> Result<()> {
    let output = Command::new("sha256sum")
        .arg(package)
        .output()
        .context("cannot run sha256sum")?;
    let digest = String::from_utf8_lossy(&output.stdout);
    if digest.split_whitespace().next() != Some(SOURCES.sha256) {
        bail!(
            "{} has the digest {}, not {}",
            SOURCES.package,
            digest.split_whitespace().next().unwrap_or("(none)"),
            SOURCES.sha256
        );
    }
    Ok(())
}

fn copy_libraries(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let file = entry?.path();
        if file.extension() == Some(OsStr::new("rlib")) {
            fs::copy(&file, to.join(file.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}
