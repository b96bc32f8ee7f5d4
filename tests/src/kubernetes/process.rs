//! A component that runs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::processor_time;

/// How long a component may take until it does what it is for. It takes seconds; a machine that also compiles takes more.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often it is looked at.
const PAUSE: Duration = Duration::from_millis(100);

/// How much of a log says what went wrong.
const LAST_LINES: usize = 40;

/// A process with a log; killed with the value. Where that is because a test fails, the end of the log is printed.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it writes goes to the end of `NAME.log` in `logs`.
    pub(super) fn start(name: &str, command: &mut Command, logs: &Path) -> Self {
        fs::create_dir_all(logs).expect("a folder in a temporary folder");
        let log = logs.join(format!("{name}.log"));
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .expect("a file in a temporary folder");
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a file can be shared"))
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self {
            name: name.to_owned(),
            child,
            log,
        }
    }

    /// Waits until `ready`, which is shown the log, finds something, and returns it.
    #[track_caller]
    pub(super) fn wait_for<T>(
        &mut self,
        what: &str,
        mut ready: impl FnMut(&str) -> Option<T>,
    ) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = ready(&self.log()) {
                return found;
            }
            if let Some(status) = self.ended() {
                panic!("{} ended ({status}) before there was {what}", self.name);
            }
            assert!(
                Instant::now() < end,
                "{} runs, and there is no {what} after {} s",
                self.name,
                PATIENCE.as_secs()
            );
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until it has ended well, and returns what it has written.
    #[track_caller]
    pub(super) fn wait_for_success(mut self) -> String {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.ended() {
                break status;
            }
            assert!(
                Instant::now() < end,
                "{} has not ended after {} s",
                self.name,
                PATIENCE.as_secs()
            );
            std::thread::sleep(PAUSE);
        };
        assert!(status.success(), "{} failed ({status})", self.name);
        self.log()
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn terminate(&mut self) {
        self.signal(Signal::TERM);
        self.child.wait().expect("a child can be waited for");
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// Ends it at once, and waits until it has.
    pub(super) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The time that it has computed so far.
    pub(super) fn computed(&self) -> Duration {
        processor_time(self.child.id())
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().expect("a child can be asked")
    }

    /// What it has written so far.
    pub(super) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        let status = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let last = lines.get(lines.len().saturating_sub(LAST_LINES)..);
            eprintln!(
                "--- the end of what {} said ({status:?}):\n{}",
                self.name,
                last.unwrap_or_default().join("\n")
            );
        }
    }
}

/// Keeps the logs of a test that fails, and says where they are.
pub(super) fn keep_logs_of_failure(logs: &Path) {
    if !std::thread::panicking() {
        return;
    }
    let kept = tempfile::Builder::new()
        .prefix("slipway-test-logs-")
        .tempdir()
        .map(tempfile::TempDir::keep);
    let Ok(kept) = kept else { return };
    for entry in fs::read_dir(logs).into_iter().flatten().flatten() {
        // What cannot be kept is not worth a second failure.
        let _ = fs::copy(entry.path(), kept.join(entry.file_name()));
    }
    eprintln!("--- the logs are in {}", kept.display());
}
