//! Where the standard library for guests comes from.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The target of every guest: no ambient WASI, imports are explicit.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// A compiler that can build guests.
#[derive(Debug, Clone)]
pub struct Toolchain {
    sysroot: Option<PathBuf>,
}

impl Toolchain {
    /// Finds a standard library for [`TARGET`]: the one that rustup installed for this compiler, else
    /// the one that `cargo xtask setup` built into the cache.
    ///
    /// # Errors
    /// There is neither; the message says which command makes one.
    pub fn locate() -> Result<Self> {
        if has_standard_library(&compiler_sysroot()?) {
            return Ok(Self { sysroot: None });
        }
        let version = compiler_version()?;
        let sysroot = cached_sysroot(&version)?;
        if has_standard_library(&sysroot) {
            return Ok(Self {
                sysroot: Some(sysroot),
            });
        }
        bail!(
            "rustc {version} has no standard library for {TARGET}, which the bundled plugins are built for; \
             run `cargo xtask setup`"
        )
    }

    /// What rustc needs to be told to find the standard library.
    pub(crate) fn flags(&self) -> Vec<OsString> {
        self.sysroot
            .iter()
            .map(|sysroot| {
                let mut flag = OsString::from("--sysroot=");
                flag.push(sysroot);
                flag
            })
            .collect()
    }
}

/// The compiler's version, as `1.95.0`.
///
/// # Errors
/// rustc cannot be run.
pub fn compiler_version() -> Result<String> {
    let verbose = rustc(&["--version", "--verbose"])?;
    verbose
        .lines()
        .find_map(|line| line.strip_prefix("release: "))
        .map(str::to_owned)
        .context("`rustc --version --verbose` names no release")
}

/// Where `cargo xtask setup` puts the standard library that it builds for compiler `version`.
///
/// # Errors
/// There is neither `XDG_CACHE_HOME` nor `HOME`.
pub fn cached_sysroot(version: &str) -> Result<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(cache) => PathBuf::from(cache),
        None => {
            let home = env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?;
            Path::new(&home).join(".cache")
        }
    };
    Ok(cache.join("slipway").join(format!("wasm32-std-{version}")))
}

fn compiler_sysroot() -> Result<PathBuf> {
    Ok(PathBuf::from(rustc(&["--print", "sysroot"])?.trim_end()))
}

fn has_standard_library(sysroot: &Path) -> bool {
    let libraries = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    libraries.read_dir().is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
    })
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(&rustc)
        .args(arguments)
        .output()
        .with_context(|| format!("cannot run {}", rustc.display()))?;
    if !output.status.success() {
        bail!(
            "{} {} failed: {}",
            rustc.display(),
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).context("rustc's answer is not UTF-8")
}
