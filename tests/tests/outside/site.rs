//! A cluster on the embedded API whose programs are in a network of the test's own, or believe a CA of the test's own.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use slipway_tests::{
    Cluster, Finished, Network, Sandbox, WebServer, assert_identity, init, kubectl,
};

/// How all of them are started.
pub(crate) trait Surroundings {
    /// The same command there.
    fn enter(&self, command: &Command) -> Command;
}

impl Surroundings for Network {
    fn enter(&self, command: &Command) -> Command {
        Self::enter(self, command)
    }
}

impl Surroundings for WebServer {
    fn enter(&self, command: &Command) -> Command {
        let mut command = slipway_tests::through(&["env"], command);
        command.env("SSL_CERT_FILE", self.ca());
        command
    }
}

/// The cluster, and a machine that is to be its node.
pub(crate) struct Site<S> {
    pub(crate) cluster: Cluster,
    pub(crate) node: Sandbox,
    // It ends last.
    pub(crate) surroundings: S,
}

impl<S: Surroundings> Site<S> {
    /// With these flags for init.
    pub(crate) fn launch(surroundings: S, flags: &[&str]) -> Self {
        Self::launch_on(Sandbox::new(), surroundings, flags)
    }

    /// With this PluginConfiguration.
    pub(crate) fn launch_by(surroundings: S, plugins: &str) -> Self {
        let sandbox = Sandbox::new();
        let file = sandbox.write("plugins.yaml", plugins);
        let file = file.to_str().expect("a path in UTF-8").to_owned();
        Self::launch_on(sandbox, surroundings, &["--config", &file])
    }

    fn launch_on(sandbox: Sandbox, surroundings: S, flags: &[&str]) -> Self {
        let mut init = surroundings.enter(&init(&sandbox, flags));
        Self {
            cluster: Cluster::start_by(sandbox, &mut init),
            node: Sandbox::new(),
            surroundings,
        }
    }

    /// slipway as the administrator.
    pub(crate) fn slipway(&self, arguments: &[&str]) -> Finished {
        let command = self.cluster.sandbox().command(arguments);
        Finished::of(&mut self.surroundings.enter(&command), "")
    }

    /// kubectl as the node, with this on its standard input.
    pub(crate) fn kubectl_of_node(&self, arguments: &[&str], input: &str) -> Finished {
        let mut command = kubectl(&self.node.dir().join("kubernetes/kubelet.conf"));
        command.args(arguments);
        Finished::of(&mut self.surroundings.enter(&command), input)
    }

    /// The node joins at the API server's address.
    #[track_caller]
    pub(crate) fn join(&self) {
        let command = self.cluster.invitation().command(&self.node, "worker-1");
        let _ = Finished::of(&mut self.surroundings.enter(&command), "").success();
        self.assert_joined();
    }

    /// The command with which the node joins where these providers say: the operator names only `location`.
    pub(crate) fn join_by(&self, providers: &str, location: &str, timeout: &str) -> Command {
        let configuration = crate::configuration(&format!("endpointProviders:\n{providers}"));
        let file = self.node.write("join.yaml", &configuration);
        let mut command = self.node.command(&[
            "join",
            location,
            "--node-name=worker-1",
            &format!("--timeout={timeout}"),
            &format!("--discovery-token-ca-cert-hash={}", self.cluster.pin()),
        ]);
        command
            .arg("--config")
            .arg(file)
            .env("SLIPWAY_TOKEN", self.cluster.token());
        self.surroundings.enter(&command)
    }

    /// Starts a command of the node's and goes on; its output lands in `join.log`.
    pub(crate) fn spawn(&self, mut command: Command) -> Child {
        let log = File::create(self.node.file("join.log")).expect("a file in a temporary folder");
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .spawn()
            .expect("slipway can be started")
    }

    /// The node has a certificate of this cluster.
    #[track_caller]
    pub(crate) fn assert_joined(&self) {
        assert_identity(&self.node, &self.cluster.ca(), "worker-1");
    }

    /// The node has written nothing that a cluster would have given it.
    #[track_caller]
    pub(crate) fn assert_not_joined(&self) {
        assert!(!self.node.dir().join("kubernetes").exists());
    }
}
