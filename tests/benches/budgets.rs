//! The budgets, measured through the real binary and the real runtime; run by `cargo xtask bench` in release builds.
//!
//! Each figure stands beside its budget and the peer's figure (kubeadm and kube-controller-manager 1.36.2, measured once on two
//! cores like these). Medians; nothing here passes or fails.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use slipway_config::plugin::{PluginConfiguration, PluginEntry};
use slipway_plugin::extension::csr_approver::{Requester, ReviewRequest, TokenFacts};
use slipway_plugin::{Allocation, HostOptions, PluginHost};
use slipway_tests::{Cluster, Sandbox};

struct Figure {
    what: &'static str,
    measured: Duration,
    budget: Duration,
    peer: Option<Duration>,
}

fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let figures = [
        Figure {
            what: "cold start (slipway version)",
            measured: cold_start(),
            budget: ms(5.0),
            peer: Some(ms(23.0)),
        },
        Figure {
            what: "one policy decision through a Wasm plugin",
            measured: decision(),
            budget: ms(0.05),
            peer: None,
        },
        Figure {
            what: "one join, whole process, automatic approval",
            measured: join(),
            budget: ms(15.0),
            peer: Some(ms(19.6)),
        },
    ];
    println!(
        "{:<48}{:>12}{:>12}{:>12}{:>10}",
        "", "measured", "budget", "peer", "ratio"
    );
    for figure in figures {
        let peer = figure.peer.map_or_else(|| "-".to_owned(), shown);
        let ratio = figure.peer.map_or_else(
            || "-".to_owned(),
            |peer| format!("{:.2}", figure.measured.as_secs_f64() / peer.as_secs_f64()),
        );
        println!(
            "{:<48}{:>12}{:>12}{:>12}{:>10}",
            figure.what,
            shown(figure.measured),
            shown(figure.budget),
            peer,
            ratio
        );
    }
}

fn cold_start() -> Duration {
    let program = binary();
    median(50, || {
        let status = Command::new(&program)
            .arg("version")
            .stdout(Stdio::null())
            .status()
            .expect("slipway runs");
        assert!(status.success());
    })
}

/// From a parsed request to a verdict: a new instance for each call, out of the pool.
fn decision() -> Duration {
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

fn join() -> Duration {
    let cluster = Cluster::start(&["--auto-approve"]);
    let mut number = 0;
    median(30, || {
        number += 1;
        let _ = cluster
            .join(&Sandbox::new(), &format!("worker-{number}"), &[])
            .success();
    })
}

fn binary() -> PathBuf {
    slipway_tests::slipway()
}

fn median(times: usize, mut run: impl FnMut()) -> Duration {
    middle((0..times).map(|_| timed(&mut run)).collect())
}

fn timed(run: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(milliseconds: f64) -> Duration {
    Duration::from_secs_f64(milliseconds / 1000.0)
}

fn shown(time: Duration) -> String {
    match time.as_micros() {
        0..1000 => format!("{} µs", time.as_micros()),
        micros => format!("{:.1} ms", micros as f64 / 1000.0),
    }
}
