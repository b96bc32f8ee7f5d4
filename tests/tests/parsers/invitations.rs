//! What a joining node is told: a join URL, places, a token.

use super::*;

#[test]
fn join_urls() {
    let mut asked = Asked::new();
    for url in [
        "slipway://",
        "slipway://@",
        "slipway://abcdef",
        "slipway://abcdef@",
        "slipway://ABCDEF@10.0.0.1:6443",
        "slipway://abc@10.0.0.1:6443",
        "slipway://abcdef.0123456789abcdef@10.0.0.1:6443",
        "slipway://abcdef:0123456789abcdef@10.0.0.1:6443",
        "slipway://abcdef@10.0.0.1:99999",
        "slipway://abcdef@10.0.0.1:0",
        "slipway://abcdef@a b:6443",
        "slipway://abcdef@[::1:6443",
        "slipway://abcdef@10.0.0.1:6443/path",
        "slipway://abcdef@10.0.0.1:6443#fragment",
        "slipway://abcdef@10.0.0.1:6443?pin=12",
        "slipway://abcdef@10.0.0.1:6443?pin=sha256:zz",
        "slipway://abcdef@10.0.0.1:6443?pni=sha256:12",
        "slipway://abcdef@10.0.0.1:6443?token=0123456789abcdef",
        "slipway://abcdef@10.0.0.1:6443?server=",
        "slipway://abcdef@10.0.0.1:6443?pin=%ff",
        "slipway://%00@10.0.0.1",
    ] {
        let shown = url.replace("0123456789abcdef", "SECRET");
        asked.refused(&shown, &["join", url]);
    }
    let long = format!("slipway://abcdef@{}:6443", "a".repeat(10_000));
    asked.refused("a long one", &["join", &long]);
    asked.refused(
        "two",
        &["join", "slipway://abcdef@a?x", "slipway://abcdef@b?x"],
    );
    assert!(!asked.said.contains("0123456789"), "{}", asked.said);
    assert_snapshot!("join-urls", asked.said);
}

#[test]
fn locations() {
    let mut asked = Asked::new();
    let pin = format!("sha256:{}", "ab".repeat(32));
    for location in [
        "",
        "a b",
        "10.0.0.1:port",
        "10.0.0.1:0",
        "10.0.0.1:65536",
        "10.0.0.1:1:2",
        "[::1",
        "http://10.0.0.1:6443",
        "https://10.0.0.1:6443/path",
        "discovery://",
        "ftp://10.0.0.1",
    ] {
        let mut command = asked.sandbox.command(&[
            "join",
            "--discovery-token-ca-cert-hash",
            &pin,
            "--node-name=worker-1",
            "--timeout=1s",
            "--",
            location,
        ]);
        command.env("SLIPWAY_TOKEN", "abcdef.0123456789abcdef");
        asked.refused_by(&format!("{location:?}"), &mut command);
    }
    assert_snapshot!("locations", asked.said);
}

#[test]
fn tokens() {
    let mut asked = Asked::new();
    let pin = format!("sha256:{}", "ab".repeat(32));
    let join = [
        "join",
        "127.0.0.1:1",
        "--discovery-token-ca-cert-hash",
        &pin,
    ];
    let tokens = [
        ("no dot", "abcdef0123456789abcdef"),
        ("a short ID", "abc.0123456789abcdef"),
        ("a long ID", "abcdefg.0123456789abcdef"),
        ("capitals", "ABCDEF.0123456789ABCDEF"),
        ("a short secret", "abcdef.0123456789"),
        ("a long secret", "abcdef.0123456789abcdef0"),
        ("two dots", "abcdef.01234567.89abcdef"),
        ("a letter from afar", "abcdéf.0123456789abcdef"),
        ("blanks", " "),
    ];
    for (what, token) in tokens {
        let mut command = asked.sandbox.command(&join);
        command.env("SLIPWAY_TOKEN", token);
        asked.refused_by(&format!("in the environment: {what}"), &mut command);
    }
    for (what, token) in tokens {
        asked.refused(
            &format!("as an argument: {what}"),
            &[&join[..], &["--token", token]].concat(),
        );
    }
    let empty = asked.file("empty", b"");
    let lines = asked.file(
        "lines",
        b"abcdef.0123456789abcdef\nghijkl.0123456789abcdef\n",
    );
    let binary = asked.file("binary", b"\xff\xfe\x00\x01");
    let huge = asked.file("huge", &b"abcdef.0123456789abcdef".repeat(100_000));
    let folder = asked.sandbox.path().to_str().expect("UTF-8").to_owned();
    for (what, file) in [
        ("an empty file", empty.as_str()),
        ("two lines", &lines),
        ("a binary file", &binary),
        ("a huge file", &huge),
        ("a folder", &folder),
        ("no file", "nothing"),
        ("a device without end", "/dev/zero"),
        ("empty standard input", "-"),
    ] {
        asked.refused(what, &[&join[..], &["--token-file", file]].concat());
    }
    asked.refused("none at all", &join);
    asked.refused(
        "for init",
        &[
            "init",
            "--apiserver-advertise-address=127.0.0.1",
            "--token",
            "abc",
        ],
    );
    let other = asked.file("other", b"ghijkl.0123456789abcdef\n");
    asked.refused(
        "another than the join URL's",
        &[
            "join",
            &format!("slipway://abcdef@127.0.0.1:1?pin={pin}"),
            "--token-file",
            &other,
        ],
    );
    assert!(!asked.said.contains("0123456789"), "{}", asked.said);
    assert_snapshot!("tokens", asked.said);
}
