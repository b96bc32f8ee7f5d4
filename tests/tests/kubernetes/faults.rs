//! An API server and a network that go away while nodes join.

use std::time::Duration;

use slipway_tests::kubernetes::{AUTOMATIC, Controller, Kubernetes, Proxy};

use super::controller::start;
use super::joins::Joins;

/// How long the API server stays away from controllers that lead no more.
const OUTAGE: Duration = Duration::from_secs(5);

#[test]
fn joins_and_controllers_outlive_a_killed_api_server() {
    let mut cluster = Kubernetes::start();
    let invitation = cluster.initialise(&[]);
    let mut controller = start(&cluster, AUTOMATIC);
    controller.wait_until("ok, leading");
    let mut early = Joins::start(&invitation, "early", 10);
    let _ = cluster.request_of("early-1");
    cluster.kill_api_server();
    assert!(early.are_under_way(), "the kill came too late");
    let mut late = Joins::start(&invitation, "late", 3);

    controller.wait_until("the API server cannot be used");
    assert_eq!(controller.ready().0, 503);
    controller.wait_until_measured("slipway_leader 0");
    let (said, computed) = (controller.log().lines().count(), controller.computed());
    std::thread::sleep(OUTAGE);
    let said = controller.log().lines().count() - said;
    assert!(said <= 2, "{said} lines at the end of {}", controller.log());
    let computed = controller.computed() - computed;
    assert!(computed < OUTAGE / 5, "{computed:?} of work");

    cluster.restart_api_server();
    controller.wait_until("ok, leading");
    early.assert_all_joined(&cluster);
    late.assert_all_joined(&cluster);
    assert!(controller.is_running());
}

#[test]
fn a_watch_goes_on_whose_place_in_the_history_is_gone() {
    // Watches read the history in etcd, which is cut every second or two.
    let cluster = Kubernetes::start_with(&["--watch-cache=false", "--etcd-compaction-interval=1s"]);
    let invitation = cluster.initialise(&[]);
    let network = Proxy::to(&cluster.server());
    let administrator = std::fs::read_to_string(cluster.kubeconfig()).expect("a kubeconfig");
    let through = administrator.replace(&cluster.server(), &network.address());
    let kubeconfig = cluster.sandbox().write("through.conf", &through);
    let mut controller = Controller::signing(&cluster, &kubeconfig, AUTOMATIC, &[]);
    controller.wait_until("ok, leading");
    Joins::start(&invitation, "before", 1).assert_all_joined(&cluster);

    // Renewing the lease makes history that no watch of the controllers sees.
    std::thread::sleep(OUTAGE);
    assert!(network.break_connections() > 0);
    controller.wait_until_said("resourceVersion for the provided watch is too old");
    Joins::start(&invitation, "after", 1).assert_all_joined(&cluster);
    let created = cluster
        .slipway(&["token", "create", "--output=json"])
        .json();
    let token = created["token"].as_str().expect("a token");
    Joins::start(&invitation.with_token(token), "with-new-token", 1).assert_all_joined(&cluster);
    let (status, text) = controller.ready();
    assert_eq!((status, text.as_str()), (200, "ok, leading\n"));
    assert_eq!(
        controller
            .log()
            .matches("this replica leads identity")
            .count(),
        1
    );
}
