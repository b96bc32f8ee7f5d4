//! Cargo's helpers, built from crates.io at a fixed version.

use std::path::PathBuf;

use anyhow::Result;

use crate::command::{cargo, run_quietly, say};

/// A program on crates.io.
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
}

/// Licences, sources, duplicates and advisories of dependencies.
pub(crate) const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};

/// The test runner: one process and a deadline for each test, one summary for all.
pub(crate) const CARGO_NEXTEST: Tool = Tool {
    name: "cargo-nextest",
    version: "0.9.151",
};

/// Changes to the code that tests have to notice; the extended tests alone need it.
pub(crate) const CARGO_MUTANTS: Tool = Tool {
    name: "cargo-mutants",
    version: "27.1.0",
};

impl Tool {
    /// The program in the cache.
    pub(crate) fn program(&self) -> Result<PathBuf> {
        Ok(self.folder()?.join("bin").join(self.name))
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(super::cache()?.join(format!("{}-{}", self.name, self.version)))
    }
}

/// Builds the tool unless it is there.
pub(crate) fn ensure(tool: &Tool) -> Result<()> {
    if tool.program()?.is_file() {
        return Ok(());
    }
    say(&format!(
        "setup: building {} {} (some minutes, once)",
        tool.name, tool.version
    ));
    super::make_folder(&tool.folder()?, |folder| {
        run_quietly(
            cargo()
                .args([
                    "install",
                    "--locked",
                    "--quiet",
                    tool.name,
                    "--version",
                    tool.version,
                    "--root",
                ])
                .arg(folder)
                .env_remove("CARGO_TARGET_DIR"),
        )
    })
}
