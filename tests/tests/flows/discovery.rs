//! The other ways to learn whom to trust: a file, a web server, a CA brought by hand, the service of 2016.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use slipway_tests::{Approval, Backend, Finished, Launched, Sandbox, on_both_backends, openssl};

on_both_backends!(
    from_a_file,
    a_file_that_runs_programs_is_refused,
    from_a_web_server_whose_certificate_is_verified,
    with_the_ca_brought_by_hand,
    from_the_discovery_service_of_2016,
    a_source_that_is_away_gives_way_to_the_next,
    a_source_that_finds_a_forgery_is_not_overruled_by_a_file,
    from_a_file_without_a_ca_which_the_machines_own_roots_make_good,
    two_sources_have_to_agree,
);

/// A process that ends with the value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Ended {
    Ended(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it can be started"),
    )
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port()
}

fn wait_for(port: u16) {
    let end = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "nothing listens on {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn join(cluster: &Launched, node: &Sandbox, arguments: &[&str]) -> Finished {
    let all = [
        &["join", "--node-name=worker-1", "--timeout=30s"],
        arguments,
    ]
    .concat();
    node.slipway_with(("SLIPWAY_TOKEN", &cluster.invitation().token), &all)
}

fn from_a_file(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let node = Sandbox::new();
    let file = node.write("cluster.conf", &cluster.discovery_document());
    let _ = join(
        &cluster,
        &node,
        &["--discovery-file", file.to_str().expect("UTF-8")],
    )
    .success();
}

fn a_file_that_runs_programs_is_refused(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let node = Sandbox::new();
    let hostile = format!(
        "{}users:\n- name: evil\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: /bin/true\n",
        cluster.discovery_document().replace("users: []\n", "")
    );
    let file = node.write("cluster.conf", &hostile);
    let refused = join(
        &cluster,
        &node,
        &["--discovery-file", file.to_str().expect("UTF-8")],
    )
    .failure(2);
    assert!(refused.contains("exec"), "{refused}");
}

fn from_a_web_server_whose_certificate_is_verified(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let web = Sandbox::new();
    let (certificate, key) = web.self_signed(
        "web",
        &[
            "basicConstraints=critical,CA:FALSE",
            "subjectAltName=DNS:localhost",
        ],
    );
    let body = cluster.discovery_document();
    web.write("cluster.conf", &format!("HTTP/1.1 200 OK\r\nContent-Type: application/yaml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()));
    let port = free_port();
    let _server = start(
        openssl()
            .args([
                "s_server",
                "-HTTP",
                "-quiet",
                "-accept",
                &format!("127.0.0.1:{port}"),
                "-key",
            ])
            .arg(&key)
            .arg("-cert")
            .arg(&certificate)
            .current_dir(web.path()),
    );
    wait_for(port);
    let url = format!("https://localhost:{port}/cluster.conf");

    let stranger = Sandbox::new();
    let refused = join(&cluster, &stranger, &["--discovery-file", &url]);
    insta::assert_snapshot!(
        "web-server-nobody-vouches-for",
        refused.message(3).replace(&port.to_string(), "PORT")
    );

    let node = Sandbox::new();
    let mut command = node.command(&[
        "join",
        "--node-name=worker-1",
        "--timeout=30s",
        "--discovery-file",
        &url,
    ]);
    let joined = Finished::of(
        command
            .env("SLIPWAY_TOKEN", &cluster.invitation().token)
            .env("SSL_CERT_FILE", &certificate),
        "",
    );
    let _ = joined.success();
    assert!(
        joined.stderr().contains("https-discovery-without-pin"),
        "the trade-off is announced:\n{}",
        joined.stderr()
    );
}

fn with_the_ca_brought_by_hand(backend: Backend) {
    let cluster = backend.launch_with(Approval::Automatic, &["--omit-ca-from-cluster-info"]);
    assert!(
        !cluster
            .discovery_document()
            .contains("certificate-authority-data")
    );
    let ca = cluster.ca();
    let server = &cluster.invitation().server;
    let node = Sandbox::new();
    let _ = join(
        &cluster,
        &node,
        &[server, "--ca-file", ca.to_str().expect("UTF-8")],
    )
    .success();
}

fn from_the_discovery_service_of_2016(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let (certificate, key) = cluster.server_credentials();
    let mut serve = cluster.command(&["discovery", "serve", "--listen", &listen]);
    let _service = start(
        serve
            .arg("--tls-cert-file")
            .arg(certificate)
            .arg("--tls-key-file")
            .arg(key),
    );
    wait_for(port);
    let node = Sandbox::new();
    let location = format!("discovery://{listen}");
    let _ = join(
        &cluster,
        &node,
        &[
            &location,
            "--discovery-token-ca-cert-hash",
            &cluster.invitation().pin,
        ],
    )
    .success();
}

/// Joins with an API server and a pin, and with a file.
fn join_with_both(cluster: &Launched, node: &Sandbox, server: &str, token: &str) -> Finished {
    let file = node.write("cluster.conf", &cluster.discovery_document());
    let mut command = node.command(&[
        "join",
        server,
        "--node-name=worker-1",
        "--timeout=30s",
        "--discovery-token-ca-cert-hash",
        &cluster.invitation().pin,
        "--tls-bootstrap-token-file",
    ]);
    command
        .arg(node.write("token", &cluster.invitation().token))
        .arg("--discovery-file")
        .arg(file)
        .env("SLIPWAY_TOKEN", token);
    Finished::of(&mut command, "")
}

fn a_source_that_is_away_gives_way_to_the_next(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let node = Sandbox::new();
    let away = format!("127.0.0.1:{}", free_port());
    let joined = join_with_both(&cluster, &node, &away, &cluster.invitation().token);
    let _ = joined.success();
    assert!(
        joined
            .stderr()
            .contains("trust-jws: nothing could be reached")
            && joined.stderr().contains("asking the next trust source"),
        "{}",
        joined.stderr()
    );
}

fn a_source_that_finds_a_forgery_is_not_overruled_by_a_file(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let node = Sandbox::new();
    let id = &cluster.invitation().token;
    let id = id.split_once('.').expect("a token").0;
    let wrong = format!("{id}.0123456789abcdef");
    let refused = join_with_both(&cluster, &node, &cluster.invitation().server, &wrong);
    let message = refused.failure(3);
    assert!(!message.contains("asking the next"), "{message}");
    assert!(!node.dir().join("kubernetes").exists());
}

fn two_sources_have_to_agree(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let (server, pin) = (&cluster.invitation().server, &cluster.invitation().pin);
    let join = |node: &Sandbox, documents: &[String], proof: &[&str]| {
        let files: Vec<_> = documents
            .iter()
            .enumerate()
            .map(|(index, text)| {
                node.write(&format!("{index}.conf"), text)
                    .display()
                    .to_string()
            })
            .collect();
        let token = node
            .write("token", &cluster.invitation().token)
            .display()
            .to_string();
        let mut arguments = vec![
            server.as_str(),
            "--trust",
            "2-of",
            "jws,file",
            "--tls-bootstrap-token-file",
            &token,
        ];
        arguments.extend(proof);
        for file in &files {
            arguments.extend(["--discovery-file", file]);
        }
        join(&cluster, node, &arguments)
    };
    let document = cluster.discovery_document();
    let unpinned = ["--discovery-token-unsafe-skip-ca-verification"];
    let joined = join(&Sandbox::new(), std::slice::from_ref(&document), &unpinned);
    let _ = joined.success();
    let told = joined.stderr();
    assert!(
        told.contains("2 independent trust sources agree on the CA sha256:"),
        "{told}"
    );
    assert!(
        !told.contains("token-without-pin"),
        "the token is not alone: {told}"
    );

    let (other, _) = cluster
        .sandbox()
        .self_signed("other", &["basicConstraints=critical,CA:TRUE"]);
    let other = std::fs::read_to_string(other).expect("a certificate");
    let other = Finished::of(openssl().args(["base64", "-A"]), &other).success();
    let rogue: String = document
        .lines()
        .map(
            |line| match line.split_once("certificate-authority-data: ") {
                Some((before, _)) => {
                    format!("{before}certificate-authority-data: {}\n", other.trim())
                }
                None => format!("{line}\n"),
            },
        )
        .collect();
    let node = Sandbox::new();
    let refused = join(&node, &[rogue], &["--discovery-token-ca-cert-hash", pin]).failure(3);
    assert!(
        refused.contains("have to agree on the cluster's CA, and do not"),
        "{refused}"
    );
    assert!(!node.dir().join("kubernetes").exists());
}

fn from_a_file_without_a_ca_which_the_machines_own_roots_make_good(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let without_ca: Vec<String> = cluster
        .discovery_document()
        .lines()
        .filter(|line| !line.contains("certificate-authority-data"))
        .map(str::to_owned)
        .collect();
    let without_ca = without_ca.join("\n");
    let ca = cluster.ca();
    let join = |node: &Sandbox, roots: &std::path::Path| {
        let file = node.write("cluster.conf", &without_ca);
        let mut command = node.command(&[
            "join",
            "--node-name=worker-1",
            "--timeout=4s",
            "--discovery-file",
            file.to_str().expect("UTF-8"),
        ]);
        command
            .env("SLIPWAY_TOKEN", &cluster.invitation().token)
            .env("SSL_CERT_FILE", roots);
        Finished::of(&mut command, "")
    };
    let node = Sandbox::new();
    let joined = join(&node, &ca);
    let _ = joined.success();
    assert!(
        joined.stderr().contains("https-discovery-without-pin"),
        "the trade-off is announced:\n{}",
        joined.stderr()
    );

    let other = backend.launch(Approval::Automatic);
    let stranger = Sandbox::new();
    let refused = join(&stranger, &other.ca());
    let message = refused.failure(3);
    assert!(
        message.contains("which this machine does not trust") && message.contains("--ca-file"),
        "{message}"
    );
    assert!(!stranger.dir().join("kubernetes").exists());
}

#[test]
fn trust_sources_that_cannot_help_are_refused_by_name() {
    let node = Sandbox::new();
    let pin = format!("sha256:{}", "ab".repeat(32));
    let join = |more: &[&str]| {
        let arguments = [
            &[
                "join",
                "127.0.0.1:1",
                "--discovery-token-ca-cert-hash",
                &pin,
            ],
            more,
        ]
        .concat();
        node.slipway_with(("SLIPWAY_TOKEN", "abcdef.0123456789abcdef"), &arguments)
            .failure(2)
    };
    let message = join(&["--trust=trust-file"]);
    assert!(message.contains("--discovery-file PATH"), "{message}");
    let message = join(&["--trust=trust-jwt"]);
    assert!(message.contains("trust-jws, trust-file"), "{message}");
    let message = join(&["--discovery-unsafe-trust-source=nobody"]);
    assert!(
        message.contains("there is no trust source nobody"),
        "{message}"
    );
    let shadow = node.write(
        "join.yaml",
        "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\ntrustSources: [{name: trust-jws, mode: shadow, grants: {unverifiedHttps: true}}]\n",
    );
    let message = join(&["--config", shadow.to_str().expect("UTF-8")]);
    assert!(message.contains("mode enforce"), "{message}");
}
