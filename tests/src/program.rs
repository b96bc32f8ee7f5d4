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
