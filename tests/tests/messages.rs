//! What a user reads when a join fails: which of the many causes it is, with the facts, and the next command.

use std::net::TcpListener;

use insta::assert_snapshot;
use slipway_tests::{Cluster, Finished, Sandbox};

/// The message with what differs from run to run taken out.
fn shown(run: &Finished, code: i32) -> String {
    let mut text = run.failure(code);
    for (pattern, name) in [
        (r"127\.0\.0\.1:\d+", "SERVER"),
        (r"sha256:[0-9a-f]{64}", "PIN"),
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
        (r"/tmp/\.tmp[A-Za-z0-9]+", "FOLDER"),
    ] {
        text = regex(pattern).replace_all(&text, name).into_owned();
    }
    text.lines()
        .filter(|line| line.starts_with("error:") || line.starts_with("next:"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn regex(pattern: &str) -> regex::Regex {
    regex::Regex::new(pattern).expect("a pattern")
}

fn join(node: &Sandbox, token: &str, arguments: &[&str]) -> Finished {
    let all = [&["join", "--node-name=worker-1", "--timeout=3s"], arguments].concat();
    node.slipway_with(("SLIPWAY_TOKEN", token), &all)
}

#[test]
fn a_token_that_is_unknown_or_whose_secret_is_wrong() {
    let cluster = Cluster::start(&[]);
    let node = Sandbox::new();
    let (server, pin) = (cluster.server(), cluster.pin());
    let pinned = [server.as_str(), "--discovery-token-ca-cert-hash", &pin];
    assert_snapshot!(
        "unknown-token",
        shown(&join(&node, "zzzzzz.0123456789abcdef", &pinned), 4)
    );
    let id = cluster
        .token()
        .split_once('.')
        .expect("a token")
        .0
        .to_owned();
    assert_snapshot!(
        "wrong-secret",
        shown(&join(&node, &format!("{id}.0123456789abcdef"), &pinned), 3).replace(&id, "TOKENID")
    );
    assert!(
        !node.dir().join("kubernetes").exists(),
        "nothing is written before trust is there"
    );
}

#[test]
fn a_pin_of_another_ca() {
    let cluster = Cluster::start(&[]);
    let wrong = format!("sha256:{}", "ab".repeat(32));
    let run = join(
        &Sandbox::new(),
        &cluster.token(),
        &[&cluster.server(), "--discovery-token-ca-cert-hash", &wrong],
    );
    assert!(
        run.stderr().contains(&wrong) && run.stderr().contains(&cluster.pin()),
        "both pins are shown:\n{}",
        run.stderr()
    );
    assert_snapshot!("wrong-pin", shown(&run, 3));
}

#[test]
fn no_pin_and_no_opt_in() {
    let cluster = Cluster::start(&[]);
    assert_snapshot!(
        "no-pin",
        shown(
            &join(&Sandbox::new(), &cluster.token(), &[&cluster.server()]),
            2
        )
    );
}

#[test]
fn nobody_there_and_no_tls() {
    let token = "abcdef.0123456789abcdef";
    let pin = format!("sha256:{}", "ab".repeat(32));
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").to_string()
    };
    assert_snapshot!(
        "unreachable",
        shown(
            &join(
                &Sandbox::new(),
                token,
                &[&closed, "--discovery-token-ca-cert-hash", &pin]
            ),
            7
        )
    );

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let plain = listener.local_addr().expect("an address").to_string();
    let server = std::thread::spawn(move || {
        for connection in listener.incoming().take(20) {
            use std::io::Write as _;
            let _ = connection.and_then(|mut connection| {
                connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            });
        }
    });
    assert_snapshot!(
        "not-tls",
        shown(
            &join(
                &Sandbox::new(),
                token,
                &[&plain, "--discovery-token-ca-cert-hash", &pin]
            ),
            7
        )
    );
    drop(server);
}

#[test]
fn a_token_that_expired() {
    let cluster = Cluster::start(&[]);
    let token = cluster
        .slipway(&["token", "create", "--ttl=1s", "--output=json"])
        .json()["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let id = token.split_once('.').expect("a token").0.to_owned();
    let run = join(
        &Sandbox::new(),
        &token,
        &[
            &cluster.server(),
            "--discovery-token-ca-cert-hash",
            &cluster.pin(),
        ],
    );
    assert_snapshot!("expired-token", shown(&run, 4).replace(&id, "TOKENID"));
}
