//! Running other programs and saying so.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Says what is being done.
pub(crate) fn say(text: &str) {
    anstream::eprintln!(
        "{}xtask:{:#} {text}",
        anstyle::Style::new().bold(),
        anstyle::Style::new().bold()
    );
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default()
}

/// The cargo that runs this chore.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs it, its output going where this program's goes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    say(&shown);
    let status = command
        .status()
        .with_context(|| format!("cannot run `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs it and shows its output only if it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run `{shown}`"))?;
    if !output.status.success() {
        bail!(
            "`{shown}` failed ({}):\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

fn show(command: &Command) -> String {
    std::iter::once(
        Path::new(command.get_program())
            .file_name()
            .unwrap_or_default(),
    )
    .chain(command.get_args())
    .map(OsStr::to_string_lossy)
    .collect::<Vec<_>>()
    .join(" ")
}

/// The release binary.
pub(crate) fn release_binary() -> Result<PathBuf> {
    Ok(target_directory()?.join("release/slipway"))
}

/// Where this machine's cargo puts what it builds.
pub(crate) fn target_directory() -> Result<PathBuf> {
    #[derive(serde::Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cannot run cargo metadata")?;
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("cargo metadata has another form")?;
    Ok(metadata.target_directory)
}
