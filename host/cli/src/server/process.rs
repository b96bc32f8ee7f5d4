//! One server a folder. A lock, held as long as the process lives, says that it runs; the file under the lock says which
//! process it is.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use slipway_bootstrap::layout::Layout;

use crate::failure::{Code, Coded};

/// How long a server may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a process is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// Lines of the server's log that are shown when it does not start.
const SHOWN_LINES: usize = 5;

/// The right to be the server of a folder; given back with the value.
#[derive(Debug)]
pub(crate) struct Running {
    _lock: File,
}

impl Running {
    /// Takes the right.
    pub(crate) fn claim(layout: &Layout) -> Result<Self> {
        let path = pid_path(layout);
        let mut file = open(&path)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let pid = read_pid(&mut file)
                .map(|pid| format!(" (process {})", pid.as_raw_nonzero()))
                .unwrap_or_default();
            bail!(Coded::new(
                Code::Exists,
                format!("a server runs already in {}{pid}", layout.state().display()),
                "stop it first, or give this one another folder with --dir"
            ));
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { _lock: file })
    }
}

/// Starts `slipway serve` on this folder as a process that outlives this one.
pub(crate) fn start(layout: &Layout) -> Result<Child> {
    let log = log_path(layout);
    let output = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&log)
        .with_context(|| format!("cannot write {}", log.display()))?;
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(program);
    command
        .arg("serve")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0);
    if let Some(folder) = layout.folder() {
        command.arg("--dir").arg(folder);
    }
    command.spawn().context("cannot start the server")
}

/// What the server said last, for when it did not start.
pub(crate) fn last_words(layout: &Layout) -> String {
    let text = std::fs::read_to_string(log_path(layout)).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(SHOWN_LINES)..)
        .unwrap_or_default()
        .join("\n")
}

/// Stops the server of this folder, if one runs.
pub(crate) fn stop(layout: &Layout) -> Result<()> {
    let path = pid_path(layout);
    if !path.exists() {
        return Ok(());
    }
    let mut file = open(&path)?;
    if is_free(&file) {
        return Ok(());
    }
    let pid =
        read_pid(&mut file).with_context(|| format!("{} names no process", path.display()))?;
    for signal in [Signal::TERM, Signal::KILL] {
        // It may have ended in between.
        let _ = kill_process(pid, signal);
        let end = Instant::now().checked_add(PATIENCE);
        while end.is_some_and(|end| Instant::now() < end) {
            if is_free(&file) {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
    }
    bail!("the server (process {}) does not end", pid.as_raw_nonzero())
}

fn is_free(file: &File) -> bool {
    let free = flock(file, FlockOperation::NonBlockingLockExclusive).is_ok();
    if free {
        // Closing the file would do it, too; a caller may hold it for longer.
        let _ = flock(file, FlockOperation::Unlock);
    }
    free
}

fn open(path: &std::path::Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

fn read_pid(file: &mut File) -> Option<Pid> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    Pid::from_raw(text.trim().parse().ok()?)
}

/// The file under the lock.
pub(super) fn pid_path(layout: &Layout) -> PathBuf {
    layout.state().join("serve.pid")
}

/// What the server says.
pub(super) fn log_path(layout: &Layout) -> PathBuf {
    layout.state().join("serve.log")
}
