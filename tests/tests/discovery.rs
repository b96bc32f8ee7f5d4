//! The other ways to learn whom to trust: a file, a web server, a CA brought by hand, the service of 2016.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use slipway_tests::{Cluster, Finished, Sandbox, openssl};

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

/// The cluster's own description, as an operator would hand it out.
fn kubeconfig(cluster: &Cluster) -> String {
    cluster
        .kubectl(&[
            "get",
            "configmap",
            "cluster-info",
            "-n",
            "kube-public",
            "-o",
            "jsonpath={.data.kubeconfig}",
        ])
        .success()
}

fn join(cluster: &Cluster, node: &Sandbox, arguments: &[&str]) -> Finished {
    let all = [
        &["join", "--node-name=worker-1", "--timeout=30s"],
        arguments,
    ]
    .concat();
    node.slipway_with(("SLIPWAY_TOKEN", &cluster.token()), &all)
}

#[test]
fn from_a_file() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let node = Sandbox::new();
    let file = node.write("cluster.conf", &kubeconfig(&cluster));
    let _ = join(
        &cluster,
        &node,
        &["--discovery-file", file.to_str().expect("UTF-8")],
    )
    .success();
}

#[test]
fn a_file_that_runs_programs_is_refused() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let node = Sandbox::new();
    let hostile = format!(
        "{}users:\n- name: evil\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: /bin/true\n",
        kubeconfig(&cluster).replace("users: []\n", "")
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

#[test]
fn from_a_web_server_whose_certificate_is_verified() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let web = Sandbox::new();
    let (key, certificate) = (web.file("web.key"), web.file("web.crt"));
    let profile = web.write("web.cnf", "[req]\ndistinguished_name=dn\nx509_extensions=leaf\n[dn]\n[leaf]\nbasicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:localhost\n");
    let made = Finished::of(
        openssl()
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "1",
                "-subj",
                "/CN=localhost",
                "-config",
            ])
            .arg(&profile)
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate),
        "",
    );
    let _ = made.success();
    let body = kubeconfig(&cluster);
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
    let refused = join(
        &cluster,
        &stranger,
        &["--discovery-file", &url, "--timeout=4s"],
    );
    assert_ne!(
        refused.code(),
        Some(0),
        "a web server that nobody vouches for"
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
            .env("SLIPWAY_TOKEN", cluster.token())
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

#[test]
fn with_the_ca_brought_by_hand() {
    let cluster = Cluster::start(&["--auto-approve", "--omit-ca-from-cluster-info"]);
    assert!(!kubeconfig(&cluster).contains("certificate-authority-data"));
    let ca = cluster.sandbox().dir().join("kubernetes/pki/ca.crt");
    let server = cluster.server();
    let node = Sandbox::new();
    let _ = join(
        &cluster,
        &node,
        &[&server, "--ca-file", ca.to_str().expect("UTF-8")],
    )
    .success();
}

#[test]
fn from_the_discovery_service_of_2016() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let _service =
        start(
            &mut cluster
                .sandbox()
                .command(&["discovery", "serve", "--listen", &listen]),
        );
    wait_for(port);
    let node = Sandbox::new();
    let location = format!("discovery://{listen}");
    let _ = join(
        &cluster,
        &node,
        &[&location, "--discovery-token-ca-cert-hash", &cluster.pin()],
    )
    .success();
}
