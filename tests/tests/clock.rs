//! Clocks that are wrong: a certificate that does not hold is told with both times and with what to look at, and nothing
//! is lost once the clock is right.

use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use slipway_tests::{Cluster, Finished, Sandbox, WrongClock};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// How far before its making a certificate begins to hold.
const BACKDATE: i64 = 5 * MINUTE;

/// A node whose clock is off joins.
fn join_at(cluster: &Cluster, node: &Sandbox, offset: i64) -> Finished {
    let (server, pin) = (cluster.server(), cluster.pin());
    let mut arguments = cluster.join_arguments(&server, &pin, "worker-1");
    arguments.push("--timeout=20s");
    let mut command = node.command(&arguments);
    command.env("SLIPWAY_TOKEN", cluster.token());
    Finished::of(WrongClock::new(node, offset).set(&mut command), "")
}

/// The two times of a message are those: seconds from now, to a minute and a half.
#[track_caller]
fn assert_times(run: &Finished, expected: [i64; 2]) {
    let text = run.stderr();
    let pattern = regex::Regex::new(r"\d{4}-\d\d-\d\dT[0-9:.]+Z").expect("a pattern");
    let times: Vec<Timestamp> = pattern
        .find_iter(text.rsplit_once("error:").expect("an error").1)
        .map(|time| time.as_str().parse().expect("a time"))
        .collect();
    assert_eq!(times.len(), 2, "both times are told:\n{text}");
    for (time, expected) in times.iter().zip(expected) {
        let expected = Timestamp::now() + SignedDuration::from_secs(expected);
        let off = time.duration_since(expected).abs();
        assert!(
            off < SignedDuration::from_secs(90),
            "{time}, expected about {expected}:\n{text}"
        );
    }
}

#[test]
fn a_node_whose_clock_is_slow() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let node = Sandbox::new();
    let run = join_at(&cluster, &node, -HOUR);
    assert_snapshot!("node-slow", run.message(3));
    assert_times(&run, [-BACKDATE, -HOUR]);
    let _ = cluster
        .join(&node, "worker-1", &["--timeout=20s"])
        .success();
}

#[test]
fn a_node_whose_clock_is_fast() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let node = Sandbox::new();
    let run = join_at(&cluster, &node, 2 * YEAR);
    assert_snapshot!("node-fast", run.message(3));
    assert_times(&run, [YEAR, 2 * YEAR]);
    let _ = cluster
        .join(&node, "worker-1", &["--timeout=20s"])
        .success();
}

#[test]
fn a_node_whose_clock_is_slow_in_a_cluster_that_is_older() {
    let cluster = Cluster::start_at(-3 * HOUR, &["--auto-approve"]);
    let _server = cluster.restart();
    let node = Sandbox::new();
    let run = join_at(&cluster, &node, -HOUR);
    assert_snapshot!("node-slow-certificate", run.message(3));
    assert_times(&run, [-BACKDATE, -HOUR]);
    assert!(!node.dir().join("kubernetes/kubelet.conf").exists());

    let request = cluster.request_of("worker-1");
    let _ = cluster
        .join(&node, "worker-1", &["--timeout=20s"])
        .success();
    assert_eq!(
        cluster.request_of("worker-1"),
        request,
        "the certificate is used that was delivered before"
    );
}

#[test]
fn a_server_whose_certificate_expired_and_what_renews_it() {
    let cluster = Cluster::start_at(-2 * YEAR, &["--auto-approve"]);
    let server = cluster.restart();
    let document = std::fs::read_to_string(cluster.kubeconfig()).expect("a kubeconfig");
    let (document, _) = document.split_once("users:").expect("users stand last");
    let node = Sandbox::new();
    let file = node.write("cluster.conf", &format!("{document}users: []\n"));
    let join = |token: &str| {
        node.slipway_with(
            ("SLIPWAY_TOKEN", token),
            &[
                "join",
                "--node-name=worker-1",
                "--timeout=20s",
                "--discovery-file",
                file.to_str().expect("UTF-8"),
            ],
        )
    };
    let refused = join(&cluster.token());
    assert_snapshot!("server-expired", refused.message(3));
    assert_times(&refused, [-YEAR, 0]);
    let refused = cluster.slipway(&["token", "list"]);
    assert_snapshot!("administrator-expired", refused.message(4));
    assert_times(&refused, [-YEAR, 0]);

    cluster.init_phase("certs");
    cluster.init_phase("kubeconfig");
    drop(server);
    let _server = cluster.restart();
    let token = cluster
        .slipway(&["token", "create", "--output=json"])
        .json()["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let _ = join(&token).success();
}

#[test]
fn a_ca_that_does_not_hold_makes_no_cluster() {
    for (name, made, expected) in [
        ("ca-not-yet", 2 * DAY, [2 * DAY - BACKDATE, 0]),
        ("ca-expired", -11 * YEAR, [-YEAR, 0]),
    ] {
        let sandbox = Sandbox::new();
        let init = |phase: &[&str]| {
            let all = [
                &["init"],
                phase,
                &[
                    "--apiserver-advertise-address=127.0.0.1",
                    "--apiserver-bind-port=0",
                ],
            ]
            .concat();
            sandbox.command(&all)
        };
        let mut certs = init(&["phase", "certs"]);
        let made = Finished::of(WrongClock::new(&sandbox, made).set(&mut certs), "");
        let _ = made.success();
        let run = Finished::of(&mut init(&[]), "");
        assert_snapshot!(name, run.message(3));
        assert_times(&run, expected);
        assert!(!sandbox.dir().join("state/store.redb").exists());
    }
}
