//! `kill -9` of the server at random moments during 200 joins: no acknowledged write is lost, every join completes.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use slipway_tests::{Cluster, Sandbox, serve};

const JOINS: usize = 200;
const AT_ONCE: usize = 6;
const LIMIT: Duration = Duration::from_secs(280);

#[test]
fn nothing_acknowledged_is_lost_and_every_join_completes() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let next = AtomicUsize::new(0);
    let joined = AtomicUsize::new(0);
    let over = AtomicBool::new(false);
    let tokens = Mutex::new(BTreeSet::new());
    let end = Instant::now() + LIMIT;

    let (kills, mut server) = std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(name) = take(&next) {
                    join_until_done(&cluster, &name, end);
                    joined.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let created = cluster.slipway(&["token", "create", "--output=json"]);
                if created.code() == Some(0) {
                    let id = created.json()["id"].as_str().expect("an ID").to_owned();
                    tokens.lock().expect("no panic elsewhere").insert(id);
                }
            }
        });
        let outcome = kill_and_restart(&cluster, &joined, end);
        over.store(true, Ordering::Relaxed);
        outcome
    });

    assert_eq!(joined.load(Ordering::Relaxed), JOINS, "{kills} kills");
    assert!(kills >= 5, "only {kills} kills: this proves little");
    let listed = cluster.slipway(&["token", "list", "--output=json"]).json();
    let there: BTreeSet<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|token| token["id"].as_str())
        .map(str::to_owned)
        .collect();
    let acknowledged = tokens.into_inner().expect("no panic elsewhere");
    assert!(!acknowledged.is_empty());
    assert!(
        acknowledged.is_subset(&there),
        "lost: {:?}",
        acknowledged.difference(&there).collect::<Vec<_>>()
    );
    let requests = cluster.slipway(&["csr", "list", "--output=json"]).json();
    let issued: BTreeSet<_> = requests
        .as_array()
        .expect("a list")
        .iter()
        .filter(|request| request["standing"] == "issued")
        .filter_map(|request| request["node"].as_str())
        .collect();
    assert_eq!(issued.len(), JOINS);
    server.kill().expect("the server can be ended");
    let _ = server.wait();
}

fn take(next: &AtomicUsize) -> Option<String> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    (number < JOINS).then(|| format!("worker-{number}"))
}

fn join_until_done(cluster: &Cluster, name: &str, end: Instant) {
    let node = Sandbox::new();
    loop {
        let join = cluster.join(&node, name, &["--timeout=20s"]);
        if join.code() == Some(0) {
            return;
        }
        assert!(
            Instant::now() < end,
            "{name} did not join in time:\n{}",
            join.stderr()
        );
    }
}

/// Kills the server again and again, at moments that differ, until all have joined. Returns how often, and the last server.
fn kill_and_restart(cluster: &Cluster, joined: &AtomicUsize, end: Instant) -> (usize, Child) {
    cluster.kill();
    let mut kills = 1;
    let mut server = start(cluster);
    let mut pauses = [900_u64, 350, 1400, 620, 2100, 480, 1150]
        .into_iter()
        .cycle();
    while joined.load(Ordering::Relaxed) < JOINS && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(
            pauses.next().expect("a cycle does not end"),
        ));
        if joined.load(Ordering::Relaxed) < JOINS {
            server.kill().expect("the server can be killed");
            let _ = server.wait();
            kills += 1;
            server = start(cluster);
            // Longer lives later, so that the last joins are not starved by start-up alone.
            std::thread::sleep(Duration::from_millis(
                100 * u64::try_from(kills).expect("few kills"),
            ));
        }
    }
    (kills, server)
}

fn start(cluster: &Cluster) -> Child {
    serve(cluster.sandbox())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server can be started")
}
