//! Files that say whom to trust: kubeconfigs, discovery files, CA certificates.

use super::*;

#[test]
fn kubeconfigs() {
    let mut asked = Asked::new();
    let cluster = "clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]\n";
    let context = "contexts: [{name: a, context: {cluster: a, user: a}}]\ncurrent-context: a\n";
    let user = "users: [{name: a, user: {token: s3cr3t-t0ken}}]\n";
    for (what, content) in [
        ("an empty file", String::new()),
        ("a token", "abcdef.s3cr3t-t0ken".to_owned()),
        (
            "an open bracket",
            format!("users: [{{name: a, user: {{token: s3cr3t-t0ken}}\n{cluster}"),
        ),
        (
            "a wrong type",
            format!("{context}{user}clusters: s3cr3t-t0ken\n"),
        ),
        ("no current context", format!("{cluster}{user}")),
        (
            "a context that is not there",
            format!("{cluster}{user}{context}").replace("current-context: a", "current-context: b"),
        ),
        ("a cluster that is not there", format!("{context}{user}")),
        (
            "a server that is none",
            format!("{cluster}{context}{user}").replace("https://127.0.0.1:1", "a b"),
        ),
        (
            "data that is not base64",
            format!("{cluster}{context}{user}")
                .replace("token: ", "client-certificate-data: '!', client-key-data: "),
        ),
        (
            "a CA that is none",
            format!("{cluster}{context}{user}")
                .replace("{server:", "{certificate-authority-data: aGVsbG8=, server:"),
        ),
        (
            "a file that is not there",
            format!("{cluster}{context}{user}").replace(
                "token: s3cr3t-t0ken",
                "client-certificate: nothing, client-key: nothing",
            ),
        ),
        ("an alias bomb", alias_bomb()),
        ("deep brackets", "[".repeat(100_000)),
    ] {
        let file = asked.file("kubeconfig", content.as_bytes());
        asked.refused(what, &["token", "list", "--kubeconfig", &file]);
    }
    let binary = asked.file("kubeconfig", b"\xff\xfe\xfd");
    asked.refused("not UTF-8", &["csr", "list", "--kubeconfig", &binary]);
    asked.refused("no file", &["posture", "--kubeconfig", "nothing"]);
    let folder = asked.sandbox.path().to_str().expect("UTF-8").to_owned();
    asked.refused("a folder", &["token", "list", "--kubeconfig", &folder]);
    assert!(!asked.said.contains("s3cr3t"), "{}", asked.said);
    assert_snapshot!("kubeconfigs", asked.said);
}

#[test]
fn discovery_files() {
    let mut asked = Asked::new();
    let config = "apiVersion: v1\nkind: Config\n";
    let cluster = "clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1', certificate-authority-data: CA}}]\n";
    let documents = [
        ("an empty file", String::new()),
        ("a token", "abcdef.0123456789abcdef".to_owned()),
        ("an open bracket", format!("{config}clusters: [")),
        ("another kind", "apiVersion: v1\nkind: Secret\n".to_owned()),
        ("no cluster", config.to_owned()),
        (
            "two clusters",
            format!(
                "{config}{}",
                cluster.replace(
                    "}}]",
                    "}}, {name: b, cluster: {server: 'https://127.0.0.1:2'}}]"
                )
            ),
        ),
        (
            "no server",
            format!("{config}clusters: [{{name: a, cluster: {{}}}}]\n"),
        ),
        (
            "a server without TLS",
            format!("{config}{}", cluster.replace("https:", "http:")),
        ),
        (
            "a CA that is not base64",
            format!("{config}{}", cluster.replace("CA", "'!'")),
        ),
        (
            "a CA that is none",
            format!("{config}{}", cluster.replace("CA", "aGVsbG8=")),
        ),
        (
            "TLS that is not verified",
            format!(
                "{config}{}",
                cluster.replace(
                    "certificate-authority-data: CA",
                    "insecure-skip-tls-verify: true"
                )
            ),
        ),
        ("an alias bomb", format!("{config}{}", alias_bomb())),
        (
            "deep brackets",
            format!("{config}clusters: {}", "[".repeat(100_000)),
        ),
        (
            "two million bytes",
            format!("{config}{}", "# padding\n".repeat(200_000)),
        ),
    ];
    for (what, content) in documents {
        let file = asked.file("cluster.conf", content.as_bytes());
        asked.refused(
            what,
            &[
                "join",
                "--node-name=worker-1",
                "--timeout=1s",
                "--discovery-file",
                &file,
            ],
        );
    }
    let folder = asked.sandbox.path().to_str().expect("UTF-8").to_owned();
    for (what, location) in [
        ("a folder", folder.as_str()),
        ("no file", "nothing"),
        ("a device", "/dev/zero"),
        ("no location", ""),
        ("http", "http://127.0.0.1/cluster.conf"),
        (
            "a URL with a password",
            "https://user:s3cr3t@127.0.0.1/cluster.conf",
        ),
    ] {
        asked.refused(
            what,
            &["join", "--node-name=worker-1", "--discovery-file", location],
        );
    }
    for (what, file) in files_of_others(&asked) {
        let arguments = ["join", "--node-name=worker-1", "--timeout=1s"];
        asked.refused(
            what,
            &[&arguments[..], &["--discovery-file", &file]].concat(),
        );
    }
    assert!(!asked.said.contains("0123456789"), "{}", asked.said);
    assert_snapshot!("discovery-files", asked.said);
}

/// Discovery files that somebody else decides about, or that are no files.
fn files_of_others(asked: &Asked) -> [(&'static str, String); 4] {
    let document = b"apiVersion: v1\nkind: Config\nclusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]\n";
    let set_mode = |path: &str, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    let path = |name: &str| {
        let path = asked.sandbox.file(name);
        path.to_str().expect("UTF-8").to_owned()
    };
    let writable = asked.file("writable.conf", document);
    set_mode(&writable, 0o666);
    fs::create_dir(path("shared")).expect("a folder");
    let replaceable = asked.file("shared/cluster.conf", document);
    set_mode(&path("shared"), 0o777);
    let made = std::process::Command::new("mkfifo")
        .arg(path("pipe"))
        .status();
    assert!(made.expect("mkfifo runs").success());
    let target = asked.file("target.conf", document);
    std::os::unix::fs::symlink(target, path("link.conf")).expect("a link");
    [
        ("a file that others may write to", writable),
        ("a file that others may replace", replaceable),
        ("a FIFO", path("pipe")),
        ("a link", path("link.conf")),
    ]
}

/// A certificate that openssl made, in PEM, with its key.
fn certificate(asked: &Asked, extensions: &str) -> (String, String) {
    let (certificate, key) = asked.sandbox.self_signed("made", &[extensions]);
    let read = |path: &Path| fs::read_to_string(path).expect("openssl wrote it");
    (read(&certificate), read(&key))
}

#[test]
fn ca_files() {
    let mut asked = Asked::new();
    let (leaf, key) = certificate(&asked, "basicConstraints=critical,CA:FALSE");
    let lines: Vec<&str> = leaf.lines().collect();
    let without_end = lines[..lines.len() - 1].join("\n");
    let without_middle = [&lines[..2], &lines[4..]].concat().join("\n");
    for (what, content) in [
        ("an empty file", Vec::new()),
        ("a text", b"hello\n".to_vec()),
        ("not UTF-8", b"\xff\xfe".to_vec()),
        ("a key", key.into_bytes()),
        ("a certificate that is no CA's", leaf.clone().into_bytes()),
        ("a certificate without its end", without_end.into_bytes()),
        (
            "a certificate without its middle",
            without_middle.into_bytes(),
        ),
        (
            "a certificate that is not base64",
            leaf.replace("MII", "!!!").into_bytes(),
        ),
        (
            "two million bytes",
            b"-----BEGIN CERTIFICATE-----\n".repeat(75_000),
        ),
    ] {
        let file = asked.file("ca.crt", &content);
        asked.refused(what, &["certs", "ca-hash", &file]);
        asked.refused("  for join", &["join", "127.0.0.1:1", "--ca-file", &file]);
    }
    let folder = asked.sandbox.path().to_str().expect("UTF-8").to_owned();
    for (what, file) in [
        ("a folder", folder.as_str()),
        ("no file", "nothing"),
        ("a device", "/dev/zero"),
    ] {
        asked.refused(what, &["certs", "ca-hash", file]);
        asked.refused("  for join", &["join", "127.0.0.1:1", "--ca-file", file]);
    }
    let lengths =
        regex::Regex::new(r"expected \d+, actual \d+ at DER byte \d+").expect("a pattern");
    assert_snapshot!("ca-files", lengths.replace_all(&asked.said, "LENGTHS"));
}
