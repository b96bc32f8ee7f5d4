//! Running programs and looking at what they said.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A program that has ended.
#[derive(Debug)]
pub struct Finished {
    shown: String,
    output: Output,
}

impl Finished {
    /// Runs the command to its end, with `input` on its standard input.
    ///
    /// # Panics
    /// It cannot be run.
    #[must_use]
    pub fn of(command: &mut Command, input: &str) -> Self {
        let shown = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {shown}: {error}"));
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A program that does not read its input may be gone by now, which is its right.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("a child can be waited for");
        Self { shown, output }
    }

    /// What it wrote to standard output.
    #[must_use]
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// What it wrote to standard error.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Its exit code; none where a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// Its standard output, where it succeeded.
    ///
    /// # Panics
    /// It failed.
    #[must_use]
    #[track_caller]
    pub fn success(&self) -> String {
        assert!(
            self.output.status.success(),
            "{} failed ({}):\n{}{}",
            self.shown,
            self.output.status,
            self.stdout(),
            self.stderr()
        );
        self.stdout()
    }

    /// Its standard error, where it failed with `code`.
    ///
    /// # Panics
    /// It succeeded, or failed in another way.
    #[must_use]
    #[track_caller]
    pub fn failure(&self, code: i32) -> String {
        assert_eq!(
            self.code(),
            Some(code),
            "{}:\n{}{}",
            self.shown,
            self.stdout(),
            self.stderr()
        );
        self.stderr()
    }

    /// What a user reads of its failure with `code`: what happened and what to do next, with what differs from run to run
    /// taken out.
    ///
    /// # Panics
    /// It succeeded, failed in another way, or panicked.
    #[must_use]
    #[track_caller]
    pub fn message(&self, code: i32) -> String {
        let text = self.failure(code);
        assert!(!text.contains("panicked"), "{}:\n{text}", self.shown);
        let start = text.find("error:").unwrap_or_else(|| {
            panic!("{} says no error:\n{text}", self.shown);
        });
        without_changing_parts(text.get(start..).unwrap_or_default().trim_end())
    }

    /// The same of a command that was to answer in JSON.
    ///
    /// # Panics
    /// It succeeded, failed in another way, or said no error in JSON.
    #[must_use]
    #[track_caller]
    pub fn message_in_json(&self, code: i32) -> serde_json::Value {
        let text = self.failure(code);
        let line = text.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| {
            panic!("{} said no error in JSON ({error}):\n{text}", self.shown)
        })
    }

    /// Its standard output as JSON, where it succeeded.
    ///
    /// # Panics
    /// It failed, or wrote something else.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let text = self.success();
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{} printed no JSON ({error}):\n{text}", self.shown))
    }
}

/// The same command, run by a program that takes it as the last of its arguments.
#[must_use]
pub fn through(wrapper: &[&str], command: &Command) -> Command {
    let (program, arguments) = wrapper.split_first().expect("a program");
    let mut wrapped = Command::new(program);
    wrapped
        .args(arguments)
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            wrapped.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    wrapped
}

/// The same command, ended after half a minute: what should refuse and does not may run for ever.
#[must_use]
pub fn bounded(command: &Command) -> Command {
    through(&["timeout", "--kill-after=1", "30"], command)
}

/// The same command as a user who may do nothing that the mode bits do not allow: root without its privileges, or
/// whoever runs the tests.
#[must_use]
pub fn unprivileged(command: &Command) -> Command {
    if rustix::process::geteuid().is_root() {
        through(
            &["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"],
            command,
        )
    } else {
        through(&["env"], command)
    }
}

/// The same command under a umask that keeps nothing from anybody.
#[must_use]
pub fn unmasked(command: &Command) -> Command {
    through(&["sh", "-c", "umask 000; exec \"$@\"", "sh"], command)
}

/// The slipway binary that was built with these tests.
///
/// # Panics
/// It was not built: the whole workspace has to be.
#[must_use]
pub fn slipway() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let binary = test
        .ancestors()
        .nth(2)
        .expect("tests are in target/PROFILE/deps")
        .join("slipway");
    assert!(
        binary.is_file(),
        "{} is not built; run the tests with `cargo xtask test`",
        binary.display()
    );
    binary
}

/// A command for kubectl with these credentials.
///
/// # Panics
/// There is no kubectl: `cargo xtask test` gets one and says where it is.
#[must_use]
pub fn kubectl(kubeconfig: &Path) -> Command {
    let program = std::env::var_os("SLIPWAY_TEST_KUBECTL")
        .expect("SLIPWAY_TEST_KUBECTL names no kubectl; run the tests with `cargo xtask test`");
    let mut command = Command::new(program);
    command
        .env("KUBECONFIG", kubeconfig)
        .env("HOME", kubeconfig.parent().expect("a file has a folder"));
    command
}

/// A command for openssl, an independent judge of certificates.
#[must_use]
pub fn openssl() -> Command {
    Command::new("openssl")
}

/// A text as a snapshot holds it: addresses, pins, times and folders have names in place of their values.
#[must_use]
pub fn without_changing_parts(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, name) in [
        (r"127\.0\.0\.1:\d+", "SERVER"),
        (r"sha256:[0-9a-f]{64}", "PIN"),
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
        (r"/tmp/\.tmp[A-Za-z0-9]+", "FOLDER"),
        (r"node-csr-[A-Za-z0-9_-]+", "REQUEST"),
        (r"bootstrap-token-[a-z0-9]{6}", "bootstrap-token-ID"),
    ] {
        let pattern = regex::Regex::new(pattern).expect("a pattern");
        text = pattern.replace_all(&text, name).into_owned();
    }
    text
}
