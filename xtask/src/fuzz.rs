//! `cargo xtask fuzz`: the targets of `fuzz/`, which look for input that makes a reader of foreign bytes panic, hang, or say
//! something else than it read.
//!
//! They are built with the compiler that everything else is built with: libFuzzer needs the coverage that LLVM's pass
//! counts, which no flag of the nightly toolchain stands before. `cargo fuzz` works in the same folder, for whoever has it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use anyhow::{Context as _, Result, bail, ensure};

use crate::command::{self, cargo, root, say, target_directory};

/// What cargo-fuzz gives the compiler, but for the address sanitizer.
const FLAGS: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cforce-frame-pointers=yes",
];

/// Lines of the log that are shown of a target that failed.
const SHOWN: usize = 40;

/// Targets that run at once.
const AT_ONCE: usize = 2;

/// Runs one target, or all of them, for some seconds each.
pub(crate) fn run(target: Option<&str>, seconds: u32) -> Result<()> {
    let targets = match target {
        None => targets()?,
        Some(name) => {
            let known = targets()?;
            ensure!(
                known.iter().any(|target| target == name),
                "there is no target {name}; there are {}",
                known.join(", ")
            );
            vec![name.to_owned()]
        }
    };
    let folder = build()?;
    say(&format!(
        "fuzzing {} for {seconds} s each",
        targets.join(", ")
    ));
    for together in targets.chunks(AT_ONCE) {
        let running = together
            .iter()
            .map(|target| start(&folder, target, seconds))
            .collect::<Result<Vec<_>>>()?;
        let ended: Vec<Result<()>> = running.into_iter().map(Running::wait).collect();
        ended.into_iter().collect::<Result<()>>()?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let mut targets = fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .map(|entry| {
            let path = entry?.path();
            let name = path.file_stem().context("a target has no name")?;
            Ok(name.to_string_lossy().into_owned())
        })
        .collect::<Result<Vec<_>>>()?;
    targets.sort();
    Ok(targets)
}

/// Builds all targets. With a triple, so that what runs in the build has no instrumentation.
fn build() -> Result<PathBuf> {
    let triple = host_triple()?;
    let target_dir = target_directory()?.join("fuzz");
    let mut cargo = cargo();
    cargo
        .args([
            "build",
            "--release",
            "--locked",
            "--manifest-path",
            "fuzz/Cargo.toml",
        ])
        .args(["--target", &triple])
        .arg("--target-dir")
        .arg(&target_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    command::run(&mut cargo)?;
    Ok(target_dir.join(triple).join("release"))
}

fn host_triple() -> Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .current_dir(root())
        .output()
        .context("cannot run rustc")?;
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc names no host")
}

/// A target that runs.
struct Running {
    name: String,
    child: Child,
    log: PathBuf,
    artifacts: PathBuf,
}

/// What is found is kept beside the build, and what made a target fail with it; where it began is in the repository.
fn start(folder: &Path, name: &str, seconds: u32) -> Result<Running> {
    let kept = target_directory()?.join("fuzz");
    let corpus = kept.join("corpus").join(name);
    let artifacts = kept.join("artifacts").join(name);
    for folder in [&corpus, &artifacts] {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let log = artifacts.join("log");
    let output =
        fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let child = Command::new(folder.join(name))
        .arg(&corpus)
        .arg(root().join("fuzz/seeds").join(name))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .with_context(|| format!("cannot run the target {name}"))?;
    Ok(Running {
        name: name.to_owned(),
        child,
        log,
        artifacts,
    })
}

impl Running {
    fn wait(mut self) -> Result<()> {
        let status = self.child.wait()?;
        let log = fs::read_to_string(&self.log)
            .with_context(|| format!("cannot read {}", self.log.display()))?;
        if !status.success() {
            let lines: Vec<_> = log.lines().collect();
            let last = lines
                .get(lines.len().saturating_sub(SHOWN)..)
                .unwrap_or_default();
            bail!(
                "the fuzz target {} failed; the input is in {}:\n{}",
                self.name,
                self.artifacts.display(),
                last.join("\n")
            );
        }
        let runs = log
            .lines()
            .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
            .with_context(|| format!("the fuzz target {} says not how often it ran", self.name))?;
        say(&format!(
            "fuzz target {}: {} inputs, none failed",
            self.name,
            runs.trim()
        ));
        Ok(())
    }
}
