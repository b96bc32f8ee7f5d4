//! The demo's machines: folders below one temporary folder, and this program, run as a user would run it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::arguments::TOKEN_VARIABLE;
use crate::output::Printer;

/// How long a request may take to appear.
const PATIENCE: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(50);

/// Where the demo takes place. The server is stopped with it.
pub(super) struct Stage {
    folder: std::cell::RefCell<Option<TempDir>>,
    path: PathBuf,
    program: PathBuf,
    printer: Printer,
}

/// A command that has ended.
pub(super) struct Ended {
    pub(super) succeeded: bool,
}

impl Stage {
    pub(super) fn new(printer: Printer) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let path = folder.path().to_owned();
        let program = std::env::current_exe().context("cannot find this program")?;
        Ok(Self {
            folder: Some(folder).into(),
            path,
            program,
            printer,
        })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Leaves the folder.
    pub(super) fn keep(&self) -> &Path {
        if let Some(folder) = self.folder.borrow_mut().take() {
            let _ = folder.keep();
        }
        &self.path
    }

    pub(super) fn title(&self, text: &str) {
        self.printer.note(format!("\n== {text}"));
    }

    /// Runs a command on the control plane.
    pub(super) fn cluster(&self, arguments: &[&str]) -> Result<Ended> {
        self.show("cluster", arguments);
        let status = self
            .command("cluster", arguments)
            .status()
            .context("cannot run slipway")?;
        Ok(Ended {
            succeeded: status.success(),
        })
    }

    /// Runs a command on the control plane and takes its answer.
    pub(super) fn cluster_json(&self, arguments: &[&str]) -> Result<Value> {
        self.show("cluster", arguments);
        self.json(arguments)
    }

    /// A machine joins as `name`.
    pub(super) fn node(
        &self,
        machine: &str,
        name: &str,
        token: &str,
        url: &str,
        more: &[&str],
    ) -> Result<Ended> {
        let status = self
            .join(machine, name, token, url, more)
            .status()
            .context("cannot run slipway")?;
        Ok(Ended {
            succeeded: status.success(),
        })
    }

    /// A machine begins to join, and waits.
    pub(super) fn start_node(&self, machine: &str, token: &str, url: &str) -> Result<Child> {
        self.join(machine, machine, token, url, &[])
            .spawn()
            .context("cannot run slipway")
    }

    /// Waits for a machine that began to join.
    pub(super) fn wait_for(&self, mut child: Child) -> Result<bool> {
        Ok(child.wait()?.success())
    }

    /// The name of the request of `node`, once there is one.
    pub(super) fn pending_request(&self, node: &str) -> Result<String> {
        let end = Instant::now().checked_add(PATIENCE);
        loop {
            let requests = self.json(&["csr", "list"])?;
            let found = requests
                .as_array()
                .into_iter()
                .flatten()
                .filter(|request| request.get("node").and_then(Value::as_str) == Some(node))
                .find_map(|request| request.get("name").and_then(Value::as_str));
            if let Some(name) = found {
                return Ok(name.to_owned());
            }
            if end.is_none_or(|end| Instant::now() > end) {
                bail!("no request of {node} came");
            }
            thread::sleep(PAUSE);
        }
    }

    fn json(&self, arguments: &[&str]) -> Result<Value> {
        let output = self
            .command("cluster", arguments)
            .arg("--output=json")
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run slipway")?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("slipway {} printed no JSON", arguments.join(" ")))
    }

    /// The token goes through the environment: in the arguments, every user of the machine could read it.
    fn join(&self, machine: &str, name: &str, token: &str, url: &str, more: &[&str]) -> Command {
        let arguments = [&["join", url, "--node-name", name][..], more].concat();
        self.show(machine, &arguments);
        let mut command = self.command(machine, &arguments);
        command.env(TOKEN_VARIABLE, token);
        command
    }

    fn command(&self, machine: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .arg("--dir")
            .arg(self.path(machine))
            .env_remove("KUBECONFIG")
            .current_dir(&self.path)
            .stdin(Stdio::null());
        command
    }

    fn show(&self, machine: &str, arguments: &[&str]) {
        self.printer
            .note(format!("{machine}$ slipway {}", arguments.join(" ")));
        let _ = std::io::stderr().flush();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // After a failure the server may still run; it is the demo's own.
        let _ = self
            .command("cluster", &["reset", "--force", "--quiet"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}
