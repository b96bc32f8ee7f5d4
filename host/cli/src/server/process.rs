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
use rustix::fs::{FallocateFlags, FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use slipway_bootstrap::layout::Layout;

use crate::failure::{Code, Coded};

/// How long a server may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a process is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// Lines of the server's log that are shown when it does not start.
const SHOWN_LINES: usize = 5;

/// Bytes of the log that are set aside for why the server does not start.
const ROOM_FOR_LAST_WORDS: u64 = 4096;

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

/// A server that was started and has not answered yet.
#[derive(Debug)]
pub(crate) struct Started {
    child: Child,
    log: PathBuf,
    /// Where in the log its own words begin.
    log_start: u64,
}

/// Starts `slipway serve` on this folder as a process that outlives this one.
pub(crate) fn start(layout: &Layout) -> Result<Started> {
    let log = log_path(layout);
    let cannot = || format!("cannot write {}", log.display());
    let output = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&log)
        .with_context(cannot)?;
    let log_start = output.metadata().with_context(cannot)?.len();
    reserve(&output, log_start).with_context(cannot)?;
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
    let child = command.spawn().context("cannot start the server")?;
    Ok(Started {
        child,
        log,
        log_start,
    })
}

impl Started {
    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails, with what it said, where it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => Err(self.failure(&format!("the server ended at once ({status})"))),
            None => Ok(()),
        }
    }

    /// Ends it, since it does not answer, and says what it said.
    pub(crate) fn give_up(&mut self) -> anyhow::Error {
        // It is ours, it is of no use to anybody, and a next init would find the port taken.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.failure("the server does not answer")
    }

    fn failure(&self, what: &str) -> anyhow::Error {
        let said = std::fs::read(&self.log).unwrap_or_default();
        let own = usize::try_from(self.log_start).ok();
        let said =
            String::from_utf8_lossy(own.and_then(|start| said.get(start..)).unwrap_or(&said));
        match LastWords::of(&said) {
            LastWords::Failure { error, hint } => {
                let message = format!("{what}: {error}");
                match hint {
                    Some(hint) => Coded::new(Code::General, message, hint).into(),
                    None => Coded::bare(Code::General, message).into(),
                }
            }
            LastWords::Lines(lines) if lines.is_empty() => anyhow::anyhow!("{what}"),
            LastWords::Lines(lines) => anyhow::anyhow!("{what}:\n{lines}"),
        }
    }
}

/// What a server said last.
#[derive(Debug, PartialEq, Eq)]
enum LastWords {
    /// Why it failed, and what to do, as every command says it.
    Failure { error: String, hint: Option<String> },
    /// Anything else.
    Lines(String),
}

impl LastWords {
    fn of(text: &str) -> Self {
        let text = text.trim_end();
        let failure = text
            .strip_prefix("error: ")
            .or_else(|| text.rsplit_once("\nerror: ").map(|(_, failure)| failure));
        if let Some(failure) = failure {
            return match failure.rsplit_once("\nnext: ") {
                Some((error, hint)) => Self::Failure {
                    error: error.to_owned(),
                    hint: Some(hint.to_owned()),
                },
                None => Self::Failure {
                    error: failure.to_owned(),
                    hint: None,
                },
            };
        }
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(SHOWN_LINES)..);
        Self::Lines(last.unwrap_or_default().join("\n"))
    }
}

/// Makes sure that a server which finds the disk full can still say so. Where a file system cannot promise room, its
/// words are written as far as there is any.
fn reserve(log: &File, length: u64) -> rustix::io::Result<()> {
    match rustix::fs::fallocate(log, FallocateFlags::KEEP_SIZE, length, ROOM_FOR_LAST_WORDS) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        other => other,
    }
}

/// Whether a server of this folder runs.
pub(crate) fn is_running(layout: &Layout) -> bool {
    File::open(pid_path(layout)).is_ok_and(|file| !is_free(&file))
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

#[cfg(test)]
mod tests {
    use super::LastWords;

    fn failure(error: &str, hint: Option<&str>) -> LastWords {
        LastWords::Failure {
            error: error.to_owned(),
            hint: hint.map(str::to_owned),
        }
    }

    #[test]
    fn the_last_failure_is_found_with_what_to_do() {
        let text = "serving on 127.0.0.1:1\nerror: old\nnext: old\nerror: a\n  b\nnext: c\n";
        assert_eq!(LastWords::of(text), failure("a\n  b", Some("c")));
        assert_eq!(LastWords::of("error: a"), failure("a", None));
    }

    #[test]
    fn other_words_are_cut_to_the_last_lines() {
        let text = "1\n2\n3\n4\n5\n6\n";
        assert_eq!(
            LastWords::of(text),
            LastWords::Lines("2\n3\n4\n5\n6".to_owned())
        );
        assert_eq!(LastWords::of(""), LastWords::Lines(String::new()));
    }
}
