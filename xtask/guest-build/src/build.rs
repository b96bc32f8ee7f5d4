//! One run of cargo that turns guest packages into components.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::component::{self, Description};
use crate::toolchain::{TARGET, Toolchain};

/// The memory for allocations that a guest has from its start, in bytes: more than what most calls use, so that they do
/// not ask for more. Pages that nobody touches cost nothing.
const HEAP_BYTES: u32 = 256 << 10;

/// A guest crate, built and encoded.
#[derive(Debug, Clone)]
pub struct Component {
    /// The package's name.
    pub name: String,
    /// Where the component lies.
    pub path: PathBuf,
}

/// Builds packages of one Cargo workspace as guests.
#[derive(Debug, Clone)]
pub struct GuestBuild {
    manifest: PathBuf,
    packages: Vec<String>,
    target_dir: PathBuf,
    level: &'static str,
}

impl GuestBuild {
    /// A build of the packages that `manifest` (a `Cargo.toml`) knows, into `target_dir`, which may be shared
    /// with other guest builds but not with builds for the host.
    pub fn new(manifest: impl Into<PathBuf>, target_dir: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            packages: Vec::new(),
            target_dir: target_dir.into(),
            level: "z",
        }
    }

    /// Speed over size, for a plugin that computes in each call.
    #[must_use]
    pub fn for_speed(self) -> Self {
        Self { level: "2", ..self }
    }

    /// Builds this package; the manifest's own if none is named.
    #[must_use]
    pub fn package(mut self, name: impl Into<String>) -> Self {
        self.packages.push(name.into());
        self
    }

    /// Builds, and returns one component for each package, in the order of their names.
    ///
    /// # Errors
    /// A package does not compile (the compiler's messages are on standard error), or is not a plugin.
    pub fn run(&self, toolchain: &Toolchain) -> Result<Vec<Component>> {
        let descriptions = self.descriptions()?;
        let modules = self.compile(toolchain)?;
        let folder = self.target_dir.join("components");
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        modules
            .into_iter()
            .map(|(name, module)| {
                let description = descriptions
                    .get(&name)
                    .with_context(|| format!("cargo knows no package {name}"))?;
                let path = folder.join(format!("{name}.wasm"));
                component::encode(&module, description, &path)
                    .with_context(|| format!("cannot make a component of {name}"))?;
                Ok(Component { name, path })
            })
            .collect()
    }

    fn compile(&self, toolchain: &Toolchain) -> Result<BTreeMap<String, PathBuf>> {
        let mut cargo = self.cargo();
        cargo
            .args(["build", "--release", "--target", TARGET])
            .arg("--message-format=json-render-diagnostics")
            .arg("--manifest-path")
            .arg(&self.manifest)
            .arg("--target-dir")
            .arg(&self.target_dir)
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(toolchain)?)
            .stdout(Stdio::piped());
        for package in &self.packages {
            cargo.args(["--package", package]);
        }
        let mut child = cargo.spawn().context("cannot run cargo")?;
        let stdout = child.stdout.take().context("cargo's output is not piped")?;
        let modules = read_modules(BufReader::new(stdout))?;
        if !child.wait()?.success() {
            bail!(
                "cargo could not build the guests of {}",
                self.manifest.display()
            );
        }
        if modules.is_empty() {
            bail!(
                "{} has no library of crate-type \"cdylib\", so there is no plugin in it",
                self.manifest.display()
            );
        }
        Ok(modules)
    }

    /// What rustc is told. Paths of this machine stay out of the guests: the same source gives the same digest anywhere.
    fn flags(&self, toolchain: &Toolchain) -> Result<OsString> {
        let mut flags = toolchain.flags();
        flags.push(format!("-Clink-arg=--initial-heap={HEAP_BYTES}").into());
        let root = fs::canonicalize(&self.manifest)
            .with_context(|| format!("cannot find {}", self.manifest.display()))?;
        flags.extend(root.parent().map(|root| remap(root, "/guest")));
        let cargo_home = env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
        flags.extend(cargo_home.map(|home| remap(&home, "/cargo")));
        Ok(flags.join(OsStr::new("\u{1f}")))
    }

    fn descriptions(&self) -> Result<BTreeMap<String, Description>> {
        #[derive(Deserialize)]
        struct Metadata {
            packages: Vec<Description>,
        }
        let output = self
            .cargo()
            .args([
                "metadata",
                "--no-deps",
                "--format-version",
                "1",
                "--manifest-path",
            ])
            .arg(&self.manifest)
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo")?;
        if !output.status.success() {
            bail!("cargo cannot read {}", self.manifest.display());
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).context("cargo metadata has another form")?;
        Ok(metadata
            .packages
            .into_iter()
            .map(|package| (package.name.clone(), package))
            .collect())
    }

    /// Cargo as it would run from a shell: what an outer cargo, rustc wrapper or build script says about *its* build is
    /// not about the guests. Unless it is told otherwise, size over speed, as what most plugins compute is small.
    fn cargo(&self) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        for (name, _) in env::vars_os() {
            if is_about_the_outer_build(&name.to_string_lossy()) {
                cargo.env_remove(name);
            }
        }
        cargo
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", self.level)
            .env("CARGO_PROFILE_RELEASE_LTO", "fat")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
            .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
            .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
            // Macros and build scripts run for moments, and take longer to optimise: 46 s of CPU for the bundled
            // plugins, and 162 s with the optimisation that the workspace has them built with for the host.
            .env("CARGO_PROFILE_RELEASE_BUILD_OVERRIDE_OPT_LEVEL", "0");
        cargo
    }
}

fn is_about_the_outer_build(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET",
        "DEBUG",
        "HOST",
        "OPT_LEVEL",
        "OUT_DIR",
        "PROFILE",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTFLAGS",
        "TARGET",
    ];
    const PREFIXES: &[&str] = &[
        "CARGO_CFG_",
        "CARGO_FEATURE_",
        "CARGO_MANIFEST_",
        "CARGO_PKG_",
        "CARGO_PROFILE_",
        "DEP_",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn remap(from: &Path, to: &str) -> OsString {
    let mut flag = OsString::from("--remap-path-prefix=");
    flag.push(from);
    flag.push("=");
    flag.push(to);
    flag
}

/// Finds the modules among the artifacts that cargo reports.
fn read_modules(messages: impl BufRead) -> Result<BTreeMap<String, PathBuf>> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        manifest_path: Option<PathBuf>,
        package_id: Option<String>,
        target: Option<Target>,
        #[serde(default)]
        filenames: Vec<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        kind: Vec<String>,
    }
    let mut modules = BTreeMap::new();
    for line in messages.lines() {
        let line = line.context("cannot read cargo's output")?;
        let Ok(message) = serde_json::from_str::<Message>(&line) else {
            continue;
        };
        let is_plugin = message.reason == "compiler-artifact"
            && message
                .target
                .is_some_and(|target| target.kind.iter().any(|kind| kind == "cdylib"));
        let module = message.filenames.into_iter().find(|file| {
            file.extension()
                .is_some_and(|extension| extension == "wasm")
        });
        if let (true, Some(module), Some(manifest)) = (is_plugin, module, message.manifest_path) {
            modules.insert(
                package_name(message.package_id.as_deref(), &manifest),
                module,
            );
        }
    }
    Ok(modules)
}

/// The package's name from its ID (`path+file:///…/trust-jws#0.1.0` or `…#name@0.1.0`).
fn package_name(id: Option<&str>, manifest: &Path) -> String {
    let fragment = id
        .and_then(|id| id.rsplit_once('#'))
        .map(|(_, fragment)| fragment);
    match fragment.and_then(|fragment| fragment.split_once('@')) {
        Some((name, _)) => name.to_owned(),
        None => manifest
            .parent()
            .and_then(Path::file_name)
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
    }
}
