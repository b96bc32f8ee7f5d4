//! Commands whose API server is away: a short outage is waited for, a long one is told soon.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use slipway_tests::{Cluster, Sandbox};

/// What a person waits for. Far more than it takes, and far less than minutes.
const SOON: Duration = Duration::from_secs(25);

/// `slipway csr list` where it has to give up.
#[track_caller]
fn assert_gives_up_soon(machine: &Sandbox, kubeconfig: &Path) {
    let begun = Instant::now();
    let kubeconfig = kubeconfig.to_str().expect("a path in UTF-8");
    let list = machine.slipway(&["csr", "list", "--kubeconfig", kubeconfig]);
    let took = begun.elapsed();
    let said = list.failure(7);
    assert!(said.contains("is the API server running?"), "{said}");
    assert!(took < SOON, "it took {took:?}");
}

#[test]
fn an_api_server_that_is_gone_or_stands_still_is_told_soon() {
    let cluster = Cluster::start(&[]);
    let text = std::fs::read_to_string(cluster.kubeconfig()).expect("a kubeconfig");
    cluster.stop();
    assert_gives_up_soon(cluster.sandbox(), &cluster.kubeconfig());

    // The system takes its connections, and nobody does anything with them.
    let still = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = still.local_addr().expect("an address").to_string();
    let text = text.replace(&cluster.server(), &address);
    let kubeconfig = cluster.sandbox().write("still.conf", &text);
    assert_gives_up_soon(cluster.sandbox(), &kubeconfig);
}

#[test]
fn one_that_is_started_again_is_waited_for() {
    let cluster = Cluster::start(&[]);
    cluster.stop();
    let list = ["token", "list", "--output=json"];
    let mut listing = cluster.sandbox().spawn("list.log", ("LANG", "C"), &list);
    let _server = cluster.restart();
    let status = listing.wait().expect("a command can be waited for");
    let log = std::fs::read_to_string(cluster.sandbox().file("list.log")).expect("its output");
    assert!(status.success() && log.contains("\"id\""), "{log}");
}
