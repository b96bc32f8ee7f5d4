//! What the machine refuses: a port that somebody has, a folder that may not be written, a file that may not be read, a
//! folder that has a cluster. Each is said plainly, with nothing left behind.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use insta::assert_snapshot;
use slipway_tests::{Cluster, Finished, Sandbox, bounded, unprivileged};

fn init(port: &str) -> [String; 3] {
    [
        "init".to_owned(),
        "--apiserver-advertise-address=127.0.0.1".to_owned(),
        format!("--apiserver-bind-port={port}"),
    ]
}

fn run(sandbox: &Sandbox, arguments: &[String]) -> Finished {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    sandbox.slipway(&arguments)
}

/// Runs slipway as somebody whom mode bits bind.
fn bound(sandbox: &Sandbox, arguments: &[&str]) -> Finished {
    Finished::of(&mut unprivileged(&sandbox.command(arguments)), "")
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode can be set");
}

/// Everything below a folder.
fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            if entry.file_type().expect("a kind").is_dir() {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn a_right_that_nobody_needs_here() {
    let sandbox = Sandbox::new();
    let said = sandbox
        .slipway(&["init", "--kubelet-compatible"])
        .message(2);
    assert!(
        said.contains("lets a token read its own request by name") && said.contains("leave it out"),
        "{said}"
    );
    assert!(!sandbox.dir().exists(), "nothing is made");
}

#[test]
fn a_port_that_somebody_has() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let shown = |run: Finished| run.message(1).replace(&port, "PORT");
    let sandbox = Sandbox::new();
    assert_snapshot!("port-taken", shown(run(&sandbox, &init(&port))));
    assert!(!sandbox.dir().exists(), "nothing is made");

    drop(taken);
    let _ = run(&sandbox, &init(&port)).success();
    let cluster = fs::read_to_string(sandbox.dir().join("kubernetes/admin.conf"));
    assert!(
        cluster
            .expect("a kubeconfig")
            .contains(&format!("127.0.0.1:{port}"))
    );
    let _ = sandbox.slipway(&["reset", "--force"]).success();
}

#[test]
fn a_port_that_somebody_took_while_the_server_was_down() {
    let cluster = Cluster::start(&[]);
    cluster.stop();
    let taken = TcpListener::bind(cluster.server()).expect("the port is free");
    let port = taken.local_addr().expect("an address").port().to_string();
    let refused = cluster.refused_serve();
    assert_snapshot!(
        "port-taken-serve",
        refused.message(1).replace(&port, "PORT")
    );
    drop(taken);
    let _server = cluster.restart();
}

#[test]
fn an_address_that_is_not_this_machines() {
    let sandbox = Sandbox::new();
    let refused = sandbox.slipway(&[
        "init",
        "--apiserver-advertise-address=192.0.2.1",
        "--apiserver-bind-port=0",
    ]);
    let port = regex::Regex::new(r"192\.0\.2\.1:\d+").expect("a pattern");
    let message = refused.message(1);
    assert_snapshot!("foreign-address", port.replace_all(&message, "ADDRESS"));
    assert!(!sandbox.dir().exists(), "nothing is made");
}

#[test]
fn a_folder_that_may_not_be_written() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let sandbox = Sandbox::new();
    let folder = sandbox.file("theirs");
    fs::create_dir(&folder).expect("a folder");
    set_mode(&folder, 0o555);
    let dir = folder.join("slipway");
    let dir = dir.to_str().expect("UTF-8");
    let init = [
        "init",
        "--dir",
        dir,
        "--apiserver-advertise-address=127.0.0.1",
        "--apiserver-bind-port=0",
    ];
    assert_snapshot!("init-not-writable", bound(&sandbox, &init).message(1));

    let (server, pin, token) = (cluster.server(), cluster.pin(), cluster.token());
    let token = sandbox.write("token", &token);
    let mut join = cluster.join_arguments(&server, &pin, "worker-1");
    join.extend([
        "--dir",
        dir,
        "--timeout=20s",
        "--token-file",
        token.to_str().expect("UTF-8"),
    ]);
    assert_snapshot!("join-not-writable", bound(&sandbox, &join).message(1));
    let requests = cluster.slipway(&["csr", "list", "--output=json"]).json();
    assert_eq!(requests, serde_json::json!([]), "nothing was asked for");
    assert_eq!(
        entries(&folder),
        Vec::<std::path::PathBuf>::new(),
        "nothing is made"
    );

    set_mode(&folder, 0o755);
    let _ = bound(&sandbox, &join).success();
    let _ = bound(&sandbox, &["reset", "--force", "--dir", dir]).success();
    let _ = bound(&sandbox, &init).success();
    let _ = bound(&sandbox, &["reset", "--force", "--dir", dir]).success();
}

#[test]
fn files_that_may_not_be_read() {
    let cluster = Cluster::start(&[]);
    cluster.stop();
    let sandbox = cluster.sandbox();
    let secret = sandbox.write("secret", "abcdef.0123456789abcdef");
    set_mode(&secret, 0o000);
    let secret = secret.to_str().expect("UTF-8");
    let pin = cluster.pin();
    for (name, arguments, code) in [
        ("config", &["config", "validate", secret][..], 2),
        ("init-config", &["init", "--config", secret], 2),
        ("init-token-file", &["init", "--token-file", secret], 2),
        ("kubeconfig", &["token", "list", "--kubeconfig", secret], 2),
        ("ca-hash", &["certs", "ca-hash", secret], 2),
        ("plugin", &["plugin", "inspect", secret], 2),
        ("discovery-file", &["join", "--discovery-file", secret], 2),
        ("ca-file", &["join", "127.0.0.1:1", "--ca-file", secret], 2),
        (
            "token-file",
            &[
                "join",
                "127.0.0.1:1",
                "--discovery-token-ca-cert-hash",
                &pin,
                "--token-file",
                secret,
            ],
            2,
        ),
    ] {
        let message = bound(sandbox, arguments).message(code);
        assert!(
            message.contains("FOLDER/secret") && message.contains("Permission denied"),
            "{name}: {message}"
        );
    }
    for (name, file) in [
        ("serve-store", "state/store.redb"),
        ("serve-ca-key", "kubernetes/pki/ca.key"),
        ("serve-settings", "state/server.json"),
        ("serve-plugins", "kubernetes/slipway.yaml"),
    ] {
        let path = sandbox.dir().join(file);
        set_mode(&path, 0o000);
        let code = if file.ends_with("yaml") { 2 } else { 1 };
        assert_snapshot!(
            name,
            Finished::of(
                &mut unprivileged(&bounded(&sandbox.command(&["serve"]))),
                ""
            )
            .message(code)
        );
        set_mode(&path, 0o600);
    }
    let _server = cluster.restart();
}

#[test]
fn a_folder_that_others_may_write_to() {
    let sandbox = Sandbox::new();
    let state = sandbox.dir().join("state");
    fs::create_dir_all(&state).expect("a folder");
    set_mode(&state, 0o777);
    assert_snapshot!("unsafe-folder", run(&sandbox, &init("0")).message(1));
    set_mode(&state, 0o700);
    let _ = run(&sandbox, &init("0")).success();
    let _ = sandbox.slipway(&["reset", "--force"]).success();
}

#[test]
fn a_second_init() {
    let cluster = Cluster::start(&[]);
    let before = entries(&cluster.sandbox().dir());
    assert_snapshot!("second-init", run(cluster.sandbox(), &init("0")).message(8));
    cluster.stop();
    assert_snapshot!(
        "second-init-server-down",
        run(cluster.sandbox(), &init("0")).message(8)
    );
    assert_eq!(entries(&cluster.sandbox().dir()), before);
    // What it says to go on with works.
    let _server = cluster.restart();
    let _ = cluster.slipway(&["token", "list"]).success();
}

#[test]
fn files_that_somebody_else_put_there() {
    let sandbox = Sandbox::new();
    let admin = sandbox.dir().join("kubernetes/admin.conf");
    fs::create_dir_all(admin.parent().expect("a folder")).expect("a folder");
    fs::write(&admin, "theirs").expect("a file");
    assert_snapshot!("foreign-kubeconfig", run(&sandbox, &init("0")).message(8));
    assert_eq!(fs::read_to_string(&admin).expect("the file"), "theirs");
    fs::remove_file(&admin).expect("it can be moved away");
    let _ = run(&sandbox, &init("0")).success();
    let _ = sandbox.slipway(&["reset", "--force"]).success();
}
