//! What a user reads when a join fails: which of the many causes it is, with the facts, and the next command.

use std::io::Write as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use slipway_tests::{Approval, Backend, Finished, Invitation, Sandbox, on_both_backends};

on_both_backends!(
    a_token_that_is_unknown_or_whose_secret_is_wrong,
    a_pin_of_another_ca,
    the_ca_of_another_cluster,
    no_pin_and_no_opt_in,
    a_token_that_expired,
);

const TOKEN: &str = "abcdef.0123456789abcdef";

fn join(node: &Sandbox, token: &str, arguments: &[&str]) -> Finished {
    let all = [&["join", "--node-name=worker-1", "--timeout=3s"], arguments].concat();
    node.slipway_with(("SLIPWAY_TOKEN", token), &all)
}

/// A join through token and pin.
fn join_pinned(node: &Sandbox, token: &str, server: &str, pin: &str) -> Finished {
    join(
        node,
        token,
        &[server, "--discovery-token-ca-cert-hash", pin],
    )
}

fn id(token: &str) -> &str {
    token.split_once('.').expect("a token").0
}

fn some_pin() -> String {
    format!("sha256:{}", "ab".repeat(32))
}

/// A server that says the same to everybody, for as long as the test lasts.
fn plain_server(says: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        let mut connections = Vec::new();
        for mut connection in listener.incoming().flatten() {
            // A client that has gone is no concern of this server's.
            let _ = connection.write_all(says);
            connections.push(connection);
        }
    });
    address
}

fn a_token_that_is_unknown_or_whose_secret_is_wrong(backend: Backend) {
    let cluster = backend.launch(Approval::Manual);
    let node = Sandbox::new();
    let Invitation { server, pin, token } = cluster.invitation();
    let unknown = join_pinned(&node, "zzzzzz.0123456789abcdef", server, pin);
    assert_snapshot!("unknown-token", unknown.message(4));
    let wrong = format!("{}.0123456789abcdef", id(token));
    let wrong = join_pinned(&node, &wrong, server, pin).message(3);
    assert_snapshot!("wrong-secret", wrong.replace(id(token), "TOKENID"));
    assert!(
        !node.dir().join("kubernetes").exists(),
        "nothing is written before trust is there"
    );
}

fn a_pin_of_another_ca(backend: Backend) {
    let cluster = backend.launch(Approval::Manual);
    let wrong = some_pin();
    let Invitation { server, pin, token } = cluster.invitation();
    let run = join_pinned(&Sandbox::new(), token, server, &wrong);
    assert!(
        run.stderr().contains(&wrong) && run.stderr().contains(pin),
        "both pins are shown:\n{}",
        run.stderr()
    );
    assert_snapshot!("wrong-pin", run.message(3));
}

fn the_ca_of_another_cluster(backend: Backend) {
    let [ours, theirs] = [(); 2].map(|()| backend.launch(Approval::Manual));
    let their_ca = theirs.ca();
    let their_ca = their_ca.to_str().expect("UTF-8");
    let node = Sandbox::new();
    let run = join(
        &node,
        &ours.invitation().token,
        &[&ours.invitation().server, "--ca-file", their_ca],
    );
    assert!(
        run.stderr().contains(&theirs.invitation().pin),
        "the expected CA is named:\n{}",
        run.stderr()
    );
    assert_snapshot!("wrong-ca-file", run.message(3));

    let document = theirs.discovery_document();
    let document = document.replace(&theirs.invitation().server, &ours.invitation().server);
    let file = node.write("cluster.conf", &document);
    let run = join(
        &node,
        &ours.invitation().token,
        &["--discovery-file", file.to_str().expect("UTF-8")],
    );
    assert_snapshot!("wrong-ca-in-discovery-file", run.message(3));
    assert!(
        !node.dir().join("kubernetes").exists(),
        "nothing is written before trust is there"
    );
}

fn no_pin_and_no_opt_in(backend: Backend) {
    let cluster = backend.launch(Approval::Manual);
    let run = join(
        &Sandbox::new(),
        &cluster.invitation().token,
        &[&cluster.invitation().server],
    );
    assert_snapshot!("no-pin", run.message(2));
}

#[test]
fn nobody_there() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").to_string()
    };
    let run = join_pinned(&Sandbox::new(), TOKEN, &closed, &some_pin());
    assert_snapshot!("unreachable", run.message(7));
}

#[test]
fn somebody_there_who_does_not_speak_tls() {
    let server = plain_server(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let run = join_pinned(&Sandbox::new(), TOKEN, &server, &some_pin());
    assert_snapshot!("not-tls", run.message(7));
}

#[test]
fn somebody_there_who_says_nothing() {
    let server = plain_server(b"");
    let started = Instant::now();
    let run = join_pinned(&Sandbox::new(), TOKEN, &server, &some_pin());
    assert_snapshot!("no-answer", run.message(7));
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "--timeout=3s is about the whole, however long one attempt would take"
    );
}

fn a_token_that_expired(backend: Backend) {
    let cluster = backend.launch(Approval::Manual);
    let token = cluster
        .slipway(&["token", "create", "--ttl=1s", "--output=json"])
        .json()["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    std::thread::sleep(Duration::from_secs(2));
    let run = join_pinned(
        &Sandbox::new(),
        &token,
        &cluster.invitation().server,
        &cluster.invitation().pin,
    );
    assert_snapshot!(
        "expired-token",
        run.message(4).replace(id(&token), "TOKENID")
    );
}
