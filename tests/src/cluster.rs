//! A cluster on the embedded API, of a test's own.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clock::WrongClock;
use crate::invitation::{Invitation, join_arguments, request_of};
use crate::program::{Finished, bounded, kubectl};
use crate::sandbox::Sandbox;

/// A cluster that `slipway init` made, with its server running; ended with the value.
#[derive(Debug)]
pub struct Cluster {
    sandbox: Sandbox,
    answer: Value,
}

impl Cluster {
    /// `slipway init` on a free port of loopback.
    ///
    /// # Panics
    /// It fails.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_in(Sandbox::new(), arguments)
    }

    /// The same on a machine that a test has prepared.
    ///
    /// # Panics
    /// It fails.
    #[must_use]
    pub fn start_in(sandbox: Sandbox, arguments: &[&str]) -> Self {
        let mut init = init(&sandbox, arguments);
        Self::start_by(sandbox, &mut init)
    }

    /// The same by a command that a test has changed.
    ///
    /// # Panics
    /// It fails.
    #[must_use]
    pub fn start_by(sandbox: Sandbox, init: &mut Command) -> Self {
        let answer = Finished::of(init, "").json();
        Self { sandbox, answer }
    }

    /// The same at a time when the machine's clock is off.
    ///
    /// # Panics
    /// It fails.
    #[must_use]
    pub fn start_at(offset: i64, arguments: &[&str]) -> Self {
        let sandbox = Sandbox::new();
        let clock = WrongClock::new(&sandbox, offset);
        let mut init = init(&sandbox, arguments);
        Self::start_by(sandbox, clock.set(&mut init))
    }

    /// The machine that it runs on.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// A field of init's answer, as text.
    ///
    /// # Panics
    /// There is no such field, or it is no text.
    #[must_use]
    pub fn field(&self, name: &str) -> String {
        self.answer[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name} in {}", self.answer))
            .to_owned()
    }

    /// Everything that init answered.
    #[must_use]
    pub fn answer(&self) -> &Value {
        &self.answer
    }

    /// `HOST:PORT` of the API server.
    #[must_use]
    pub fn server(&self) -> String {
        self.field("server")
            .trim_start_matches("https://")
            .to_owned()
    }

    /// The first token.
    #[must_use]
    pub fn token(&self) -> String {
        self.field("token")
    }

    /// The CA's pin.
    ///
    /// # Panics
    /// init printed none.
    #[must_use]
    pub fn pin(&self) -> String {
        self.answer["caPins"][0].as_str().expect("a pin").to_owned()
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        PathBuf::from(self.field("kubeconfig"))
    }

    /// The CA's certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.sandbox.dir().join("kubernetes/pki/ca.crt")
    }

    /// The server's process.
    ///
    /// # Panics
    /// init named none.
    #[must_use]
    pub fn pid(&self) -> u32 {
        u32::try_from(self.answer["pid"].as_u64().expect("a pid")).expect("a pid fits")
    }

    /// slipway as the administrator.
    #[must_use]
    pub fn slipway(&self, arguments: &[&str]) -> Finished {
        self.sandbox.slipway(arguments)
    }

    /// kubectl as the administrator.
    #[must_use]
    pub fn kubectl(&self, arguments: &[&str]) -> Finished {
        Finished::of(kubectl(&self.kubeconfig()).args(arguments), "")
    }

    /// What a node is told: the API server, the pin and the first token.
    #[must_use]
    pub fn invitation(&self) -> Invitation {
        Invitation {
            server: self.server(),
            pin: self.pin(),
            token: self.token(),
        }
    }

    /// The arguments with which a node joins through token and pin; the token itself goes through the environment.
    #[must_use]
    pub fn join_arguments<'a>(&self, server: &'a str, pin: &'a str, node: &'a str) -> Vec<&'a str> {
        join_arguments(server, pin, node).to_vec()
    }

    /// A node joins with the first token, on a machine of its own.
    #[must_use]
    pub fn join(&self, node: &Sandbox, name: &str, more: &[&str]) -> Finished {
        self.invitation().join(node, name, more)
    }

    /// Starts a node's join and goes on.
    #[must_use]
    pub fn start_join(&self, node: &Sandbox, name: &str, more: &[&str]) -> Child {
        self.invitation().start_join(node, name, more)
    }

    /// Waits until the cluster has a request of this node, and returns its name.
    ///
    /// # Panics
    /// There is none after half a minute.
    #[must_use]
    pub fn request_of(&self, node: &str) -> String {
        request_of(node, |arguments| self.slipway(arguments))
    }

    /// `slipway serve` where it has to refuse.
    #[must_use]
    pub fn refused_serve(&self) -> Finished {
        Finished::of(&mut bounded(&serve(&self.sandbox)), "")
    }

    /// Runs one phase of init again.
    ///
    /// # Panics
    /// It fails.
    pub fn init_phase(&self, phase: &str) {
        let _ = self
            .slipway(&[
                "init",
                "phase",
                phase,
                "--apiserver-advertise-address=127.0.0.1",
                "--apiserver-bind-port=0",
            ])
            .success();
    }

    /// Asks the server to end, and returns how long it took.
    ///
    /// # Panics
    /// It goes on for half a minute.
    #[must_use]
    pub fn terminate(&self) -> Duration {
        let asked = Instant::now();
        signal(self.pid(), rustix::process::Signal::TERM);
        while is_running(self.pid()) {
            assert!(asked.elapsed() < Duration::from_secs(30), "it goes on");
            std::thread::sleep(Duration::from_millis(20));
        }
        asked.elapsed()
    }

    /// Kills the server, as a power cut would.
    pub fn kill(&self) {
        kill(self.pid());
    }

    /// Kills the server, and waits until it is gone.
    ///
    /// # Panics
    /// It stays.
    pub fn stop(&self) {
        self.kill();
        let end = Instant::now() + Duration::from_secs(10);
        while self.answers() {
            assert!(Instant::now() < end, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Starts the server anew, by the machine's own clock.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn restart(&self) -> Server {
        self.restart_with(&[])
    }

    /// The same with further arguments.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn restart_with(&self, arguments: &[&str]) -> Server {
        self.stop();
        let started = serve(&self.sandbox)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("serve can be started");
        let mut server = Server(started);
        while !self.answers() {
            let ended = server.0.try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "serve ended: {ended:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn answers(&self) -> bool {
        TcpStream::connect(self.server()).is_ok()
    }
}

/// A server that a test has started again; ended with the value.
#[derive(Debug)]
pub struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `slipway init` on a free port of loopback.
#[must_use]
pub fn init(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let all = [
        &[
            "init",
            "--apiserver-advertise-address=127.0.0.1",
            "--apiserver-bind-port=0",
            "--output=json",
        ],
        arguments,
    ]
    .concat();
    sandbox.command(&all)
}

/// Starts the server of a cluster again, where a test has killed it.
#[must_use]
pub fn serve(sandbox: &Sandbox) -> Command {
    sandbox.command(&["serve"])
}

/// Whether a process is there and has not ended; nobody may have asked yet how it ended.
fn is_running(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .starts_with(" Z")
    })
}

/// Kills a process, as a power cut would.
pub fn kill(pid: u32) {
    signal(pid, rustix::process::Signal::KILL);
}

fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended by itself.
        let _ = rustix::process::kill_process(pid, signal);
    }
}
