//! The budgets, measured through the real binary and the real runtime; run by `cargo xtask bench` in release builds.
//!
//! Each figure stands beside its budget and the peer's, measured in the same run on the same machine: kubeadm, and
//! kube-controller-manager on a kube-apiserver. Medians; nothing here passes or fails.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use slipway_config::plugin::{PluginConfiguration, PluginEntry};
use slipway_plugin::extension::csr_approver::{Requester, ReviewRequest, TokenFacts};
use slipway_plugin::{Allocation, HostOptions, PluginHost};
use slipway_tests::kubernetes::{ALL_CONTROLLERS, Kubernetes, component};
use slipway_tests::{Cluster, Invitation, Sandbox};

struct Figure {
    what: &'static str,
    measured: Quantity,
    budget: Option<Quantity>,
    peer: Option<Quantity>,
}

#[derive(Clone, Copy)]
enum Quantity {
    Milliseconds(f64),
    Mebibytes(f64),
}

fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let embedded = join_the_embedded_api();
    let kubernetes = join_kubernetes();
    let figures = [
        Figure {
            what: "cold start (slipway version)",
            measured: version(&mut Command::new(binary())),
            budget: Some(Quantity::Milliseconds(5.0)),
            peer: Some(version(&mut component("kubeadm"))),
        },
        Figure {
            what: "one policy decision through a Wasm plugin",
            measured: decision(),
            budget: Some(Quantity::Milliseconds(0.05)),
            peer: None,
        },
        Figure {
            what: "discovery and TLS bootstrap of one node",
            measured: embedded.bootstrap,
            budget: Some(Quantity::Milliseconds(15.0)),
            peer: Some(kubernetes.bootstrap),
        },
        Figure {
            what: "one join, whole process",
            measured: embedded.whole,
            budget: None,
            peer: Some(kubernetes.whole),
        },
        Figure {
            what: "the binary, bundled plugins included",
            measured: size(&binary()),
            budget: Some(Quantity::Mebibytes(40.0)),
            peer: Some(size(Path::new(component("kubeadm").get_program()))),
        },
    ];
    println!(
        "{:<48}{:>12}{:>12}{:>12}{:>10}",
        "", "measured", "budget", "peer", "ratio"
    );
    for figure in figures {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        println!(
            "{:<48}{:>12}{:>12}{:>12}{:>10}",
            figure.what,
            figure.measured.to_string(),
            or_none(figure.budget.map(|budget| budget.to_string())),
            or_none(figure.peer.map(|peer| peer.to_string())),
            or_none(
                figure
                    .peer
                    .map(|peer| format!("{:.2}", figure.measured.value() / peer.value()))
            ),
        );
    }
}

impl Quantity {
    fn value(self) -> f64 {
        match self {
            Self::Milliseconds(value) | Self::Mebibytes(value) => value,
        }
    }
}

impl Display for Quantity {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Milliseconds(value) if *value < 1.0 => {
                write!(formatter, "{:.1} µs", value * 1000.0)
            }
            Self::Milliseconds(value) => write!(formatter, "{value:.1} ms"),
            Self::Mebibytes(value) => write!(formatter, "{value:.1} MiB"),
        }
    }
}

impl From<Duration> for Quantity {
    fn from(time: Duration) -> Self {
        Self::Milliseconds(time.as_secs_f64() * 1000.0)
    }
}

fn version(program: &mut Command) -> Quantity {
    program.arg("version").stdout(Stdio::null());
    median(50, || {
        assert!(program.status().expect("it runs").success());
    })
}

/// From a parsed request to a verdict: a new instance for each call, out of the pool.
fn decision() -> Quantity {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let host = PluginHost::new(HostOptions {
            allocation: Allocation::Pooling,
            ..HostOptions::default()
        })
        .expect("the plugin runtime starts");
        let entry = entry();
        let approver = host
            .load_csr_approver(&entry)
            .await
            .expect("the bundled plugin loads");
        let request = request();
        let mut times = Vec::new();
        for _ in 0..2000 {
            let start = Instant::now();
            approver.review(&request).await.expect("a verdict");
            times.push(start.elapsed());
        }
        middle(times)
    })
}

fn entry() -> PluginEntry {
    let configuration = PluginConfiguration::default().with_auto_approve();
    let mut approvers = configuration.csr_approvers.into_iter();
    approvers
        .find(|entry| entry.name.as_str() == "approve-node-client")
        .expect("the configuration has it")
}

fn request() -> ReviewRequest {
    ReviewRequest {
        name: "node-csr-1".to_owned(),
        uid: "uid".to_owned(),
        signer_name: "kubernetes.io/kube-apiserver-client-kubelet".to_owned(),
        node_name: "worker-1".parse().expect("a name"),
        usages: vec!["digital signature".to_owned(), "client auth".to_owned()],
        dns_names: Vec::new(),
        ip_addresses: Vec::new(),
        key_algorithm: "ECDSA P-256".to_owned(),
        key_fingerprint: "0".repeat(64),
        expiration_seconds: None,
        der: vec![0x30; 300],
        requester: Requester {
            username: "system:bootstrap:abcdef".to_owned(),
            groups: vec![
                "system:bootstrappers".to_owned(),
                "system:authenticated".to_owned(),
            ],
            extra: std::collections::BTreeMap::new(),
        },
        token: Some(TokenFacts {
            id: "abcdef".parse().expect("an ID"),
            node: None,
            uses: None,
            uses_left: None,
            expires: None,
        }),
        created: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// What one join takes, with automatic approval.
struct Join {
    /// From the first look at the cluster to the certificate on disk.
    bootstrap: Quantity,
    /// The whole process, to what a kubelet reads.
    whole: Quantity,
}

fn join_the_embedded_api() -> Join {
    let cluster = Cluster::start(&["--auto-approve"]);
    join(&cluster.invitation())
}

/// Where kubeadm initialised the cluster, and kube-controller-manager, with no limit on its requests, approves and signs.
fn join_kubernetes() -> Join {
    let mut cluster = Kubernetes::initialised_by_kubeadm();
    cluster.start_controllers(ALL_CONTROLLERS, &[]);
    join(&cluster.invitation())
}

fn join(invitation: &Invitation) -> Join {
    let (mut bootstraps, mut wholes) = (Vec::new(), Vec::new());
    for number in 0..50 {
        let node = Sandbox::new();
        let start = Instant::now();
        let mut join = invitation
            .command(&node, &format!("worker-{number}"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let said = BufReader::new(join.stderr.take().expect("stderr is piped"));
        let ends: BTreeMap<_, _> = said
            .lines()
            .map(|line| (line.expect("text"), start.elapsed()))
            .collect();
        assert!(join.wait().expect("it ends").success(), "{ends:?}");
        wholes.push(start.elapsed());
        bootstraps.push(ends["✓ wait"] - ends["✓ preflight"]);
    }
    Join {
        bootstrap: middle(bootstraps),
        whole: middle(wholes),
    }
}

fn size(program: &Path) -> Quantity {
    let bytes = std::fs::metadata(program).expect("it is built").len();
    Quantity::Mebibytes(bytes as f64 / f64::from(1 << 20))
}

fn binary() -> PathBuf {
    slipway_tests::slipway()
}

fn median(times: usize, mut run: impl FnMut()) -> Quantity {
    middle((0..times).map(|_| timed(&mut run)).collect())
}

fn timed(run: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn middle(mut times: Vec<Duration>) -> Quantity {
    times.sort();
    times[times.len() / 2].into()
}
