//! The budgets, measured through the real binary and the real runtime; run by `cargo xtask bench` in release builds.
//!
//! Each figure stands beside its budget and the peer's, measured in the same run on the same machine: kubeadm, and
//! kube-controller-manager on a kube-apiserver, and for a decision the same plugins as native code. Medians, unless a line
//! says the worst; nothing here passes or fails.

mod alone;
mod chain;
mod decision;
mod embedded;
mod end_to_end;
mod fairness;
mod figure;
mod growth;
mod join;
mod native;
mod requests;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use decision::decision;
use end_to_end::{EndToEnd, end_to_end};
use fairness::{Fairness, fairness};
use figure::{Figure, Quantity, median};
use join::{join_kubernetes, join_the_embedded_api};
use requests::Throughput;
use slipway_tests::kubernetes::component;

fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let embedded = join_the_embedded_api();
    let kubernetes = join_kubernetes();
    let Throughput {
        slipway,
        peer,
        peer_without_limits,
    } = requests::throughput();
    let EndToEnd {
        own,
        rested,
        with_api,
    } = end_to_end();
    let (sandboxed, native) = (alone::sandboxed(), alone::native());
    let Fairness {
        meanwhile,
        afterwards,
    } = fairness();
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
            what: "a decision with three plugins, from DER to the log",
            measured: sandboxed.on_disk,
            budget: Some(Quantity::Milliseconds(0.5)),
            peer: Some(native.on_disk),
        },
        Figure {
            what: "the same, the log on a file system in memory",
            measured: sandboxed.in_memory,
            budget: Some(native.in_memory.times(2.0)),
            peer: Some(native.in_memory),
        },
        Figure {
            what: "the same in a busy cluster, log on disk, without the API",
            measured: own,
            budget: None,
            peer: None,
        },
        Figure {
            what: "the same in a cluster that rested for 3 ms",
            measured: rested,
            budget: None,
            peer: None,
        },
        Figure {
            what: "the same in a busy cluster, with the API in memory",
            measured: with_api,
            budget: None,
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
            what: "500 requests approved and signed, peer at its defaults",
            measured: slipway,
            budget: Some(peer.times(12.0)),
            peer: Some(peer),
        },
        Figure {
            what: "the same, peer without its limits",
            measured: slipway,
            budget: Some(peer_without_limits.times(1.2)),
            peer: Some(peer_without_limits),
        },
        Figure {
            what: "another's node waits, 10,000 requests arriving (worst)",
            measured: meanwhile,
            budget: Some(Quantity::Milliseconds(1000.0)),
            peer: None,
        },
        Figure {
            what: "another's node waits, all of them there (worst)",
            measured: afterwards,
            budget: Some(Quantity::Milliseconds(1000.0)),
            peer: None,
        },
        Figure {
            what: "the binary, bundled plugins included",
            measured: size(&binary()),
            budget: Some(Quantity::Mebibytes(40.0)),
            peer: Some(size(Path::new(component("kubeadm").get_program()))),
        },
    ];
    figure::print(&figures);
    figure::print_growth(&growth::SIZES, &growth::growth());
}

fn version(program: &mut Command) -> Quantity {
    program.arg("version").stdout(Stdio::null());
    median(50, || {
        assert!(program.status().expect("it runs").success());
    })
}

fn size(program: &Path) -> Quantity {
    let bytes = std::fs::metadata(program).expect("it is built").len();
    Quantity::Mebibytes(bytes as f64 / f64::from(1 << 20))
}

fn binary() -> PathBuf {
    slipway_tests::slipway()
}
