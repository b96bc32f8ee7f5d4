//! `slipway controller` on a cluster.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use super::process::Process;
use crate::sandbox::Sandbox;

/// Approves every node that comes with a token, and renewals.
pub const AUTOMATIC: &str = "apiVersion: slipway.dev/v1alpha1
kind: PluginConfiguration
csrApprovers:
- name: approve-renewal
- name: approve-node-client
";

/// Approves renewals, and leaves every new node to a person.
pub const MANUAL: &str = "apiVersion: slipway.dev/v1alpha1
kind: PluginConfiguration
csrApprovers:
- name: approve-renewal
- name: approve-manual
";

/// A replica of the controllers, on a machine of its own; killed with the value.
#[derive(Debug)]
pub struct Controller {
    process: Process,
    health: String,
    metrics: String,
    machine: Sandbox,
}

impl Controller {
    /// Starts one with the credentials of this kubeconfig and this PluginConfiguration.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(kubeconfig: &Path, plugins: &str, more: &[&str]) -> Self {
        let machine = Sandbox::new();
        let plugins = machine.write("plugins.yaml", plugins);
        let mut command = machine.command(&["controller", "-v"]);
        command
            .args([
                "--health-bind-address=127.0.0.1:0",
                "--metrics-bind-address=127.0.0.1:0",
            ])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .arg("--config")
            .arg(plugins)
            .args(more);
        let mut process = Process::start("slipway-controller", &mut command, &machine.file("logs"));
        let (health, metrics) = process.wait_for("the address of /readyz", |log| {
            let (_, rest) = log.split_once("http://")?;
            let (health, rest) = rest.split_once("/readyz, http://")?;
            let (metrics, _) = rest.split_once("/metrics")?;
            Some((health.to_owned(), metrics.to_owned()))
        });
        Self {
            process,
            health,
            metrics,
            machine,
        }
    }

    /// Status and text of `/readyz`.
    #[must_use]
    pub fn ready(&self) -> (u16, String) {
        get(&self.health, "/readyz")
    }

    /// Waits until `/readyz` says this.
    ///
    /// # Panics
    /// It does not, for two minutes.
    pub fn wait_until(&mut self, says: &str) {
        let health = self.health.clone();
        self.process.wait_for(says, |_| {
            let (_, text) = get(&health, "/readyz");
            text.contains(says).then_some(())
        });
    }

    /// Waits until `/metrics` says this.
    ///
    /// # Panics
    /// It does not, for two minutes.
    pub fn wait_until_measured(&mut self, says: &str) {
        let metrics = self.metrics.clone();
        self.process.wait_for(says, |_| {
            let (_, text) = get(&metrics, "/metrics");
            text.contains(says).then_some(())
        });
    }

    /// What Prometheus reads.
    #[must_use]
    pub fn metrics(&self) -> String {
        get(&self.metrics, "/metrics").1
    }

    /// The file with its PluginConfiguration.
    #[must_use]
    pub fn policy_file(&self) -> PathBuf {
        self.machine.file("plugins.yaml")
    }

    /// The folder of its decision log.
    #[must_use]
    pub fn decision_log(&self) -> PathBuf {
        self.machine.decision_log()
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Waits until it has written this.
    ///
    /// # Panics
    /// It does not, for two minutes.
    pub fn wait_until_said(&mut self, says: &str) {
        self.process
            .wait_for(says, |log| log.contains(says).then_some(()));
    }

    /// Lets it stand still, as a machine does that sleeps.
    ///
    /// # Panics
    /// It has ended.
    pub fn suspend(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// It has ended.
    pub fn resume(&self) {
        self.process.signal(Signal::CONT);
    }

    /// The time that it has computed so far.
    #[must_use]
    pub fn computed(&self) -> Duration {
        self.process.computed()
    }

    /// Whether it runs, as the process that it was.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        self.process.ended().is_none()
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&mut self) {
        self.process.terminate();
    }
}

/// The status and the body of an answer over HTTP.
fn get(address: &str, path: &str) -> (u16, String) {
    let mut connection = TcpStream::connect(address).expect("the controller listens");
    write!(
        connection,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .expect("the controller reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer over HTTP");
    let status = head.split_whitespace().nth(1).expect("a status");
    (status.parse().expect("a status"), body.to_owned())
}
