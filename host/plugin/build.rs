//! Builds the bundled plugins from their sources, compiles them ahead of time with the engine's own settings, and
//! writes the table that `src/bundled.rs` includes.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use lz4::block::CompressionMode;
use sha2::{Digest as _, Sha256};
use slipway_guest_build::{Component, GuestBuild, Toolchain};
use wasmtime::Engine;

#[path = "src/load/optional.rs"]
mod optional;
#[path = "src/engine/settings.rs"]
mod settings;

/// The bundled plugins, each a package under `plugins/`.
const BUNDLED: [&str; 11] = [
    "approve-manual",
    "approve-node-client",
    "approve-node-serving",
    "approve-renewal",
    "endpoints-dns",
    "endpoints-https",
    "endpoints-static",
    "tokens-file",
    "trust-file",
    "trust-https",
    "trust-jws",
];

/// One that reads and evaluates expressions in each call: 0.07 ms, and 0.12 compiled for size, which would save 80 KiB.
const BUNDLED_FOR_SPEED: &str = "approve-rules";

fn main() -> Result<()> {
    let root = root()?;
    for source in ["plugins", "sdk/rust", "wit", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    println!("cargo::rerun-if-changed=src/engine/settings.rs");
    println!("cargo::rerun-if-changed=src/load/optional.rs");
    println!("cargo::rerun-if-changed=build.rs");

    let target = env::var("TARGET").context("cargo sets no TARGET")?;
    println!("cargo::rustc-env=SLIPWAY_TARGET={target}");

    let out = PathBuf::from(env::var_os("OUT_DIR").context("cargo sets no OUT_DIR")?);
    let toolchain = Toolchain::locate()?;
    let build = GuestBuild::new(root.join("Cargo.toml"), guests_folder(&out)?);
    let for_speed = build.clone().for_speed().package(BUNDLED_FOR_SPEED);
    let for_size = BUNDLED.into_iter().fold(build, GuestBuild::package);
    let mut components = for_size.run(&toolchain)?;
    components.extend(for_speed.run(&toolchain)?);
    components.sort_by(|one, other| one.name.cmp(&other.name));
    let engine = Engine::new(&settings::settings(&target)?)?;
    let table = components
        .iter()
        .map(|component| embed(component, &engine, &out))
        .collect::<Result<String>>()?;
    fs::write(out.join("bundled.rs"), format!("&[\n{table}]\n"))
        .context("cannot write the table of bundled plugins")
}

fn root() -> Result<PathBuf> {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").context("cargo sets no CARGO_MANIFEST_DIR")?;
    let root = Path::new(&manifest).join("../..");
    fs::canonicalize(&root).with_context(|| format!("cannot find {}", root.display()))
}

/// `<target>/guests`, which outlives this build script's own output folder: what is there is not built again.
/// OUT_DIR is `<target>/[<triple>/]<profile>/build/<package>-<hash>/out`; a target folder that
/// cargo made has a tag.
fn guests_folder(out: &Path) -> Result<PathBuf> {
    out.ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
        .or_else(|| out.ancestors().nth(4))
        .map(|target| target.join("guests"))
        .with_context(|| format!("{} lies in no target folder of cargo", out.display()))
}

/// Compiles one component and returns its line in the table.
fn embed(component: &Component, engine: &Engine, out: &Path) -> Result<String> {
    let Component { name, path } = component;
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let compiled = engine
        .precompile_component(&bytes)
        .map_err(anyhow::Error::from)
        .with_context(|| format!("cannot compile {name}"))?;
    // Slow to compress, which is done once, and quick to decompress, which each start does.
    let slow = CompressionMode::HIGHCOMPRESSION(12);
    let compressed = lz4::block::compress(&compiled, Some(slow), true)?;
    fs::write(out.join(format!("{name}.cwasm.lz4")), compressed)?;
    let digest = Sha256::digest(&bytes);
    let size = bytes.len();
    let optional = Vec::from_iter(optional::optional_imports(&bytes));
    let payload = wasm_metadata::Payload::from_binary(&bytes)?;
    let metadata = payload.metadata();
    let text = |text: Option<String>| text.unwrap_or_default();
    let mut line = String::new();
    writeln!(
        line,
        "    Bundled {{ name: {name:?}, digest: {digest:?}, size: {size}, optional_imports: &{optional:?}, \
         version: {:?}, description: {:?}, licenses: {:?}, \
         compiled: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.cwasm.lz4\")) }},",
        text(metadata.version.as_ref().map(ToString::to_string)),
        text(metadata.description.as_ref().map(ToString::to_string)),
        text(metadata.licenses.as_ref().map(ToString::to_string)),
    )?;
    Ok(line)
}
