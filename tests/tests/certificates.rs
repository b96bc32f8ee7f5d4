//! openssl, an independent judge, on every certificate that Slipway issues and on every chain that it serves.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use slipway_tests::{Cluster, Finished, Sandbox, kubectl, openssl};

/// A certificate as openssl tells of it.
struct Judged {
    text: String,
}

/// What a certificate is good for, as openssl calls it.
#[derive(Clone, Copy)]
enum Purpose {
    Client,
    Server,
    Any,
}

/// Verifies a file's first certificate against the CA, strictly, and reads it.
#[track_caller]
fn judge(certificate: &Path, ca: &Path, purpose: Purpose) -> Judged {
    let mut verify = openssl();
    verify.args(["verify", "-x509_strict", "-check_ss_sig", "-purpose"]);
    verify.arg(match purpose {
        Purpose::Client => "sslclient",
        Purpose::Server => "sslserver",
        Purpose::Any => "any",
    });
    let verified = Finished::of(verify.arg("-CAfile").arg(ca).arg(certificate), "");
    assert_eq!(
        verified.success().trim(),
        format!("{}: OK", certificate.display())
    );
    let mut show = openssl();
    show.args(["x509", "-noout", "-text", "-in"])
        .arg(certificate);
    let text = Finished::of(&mut show, "").success();
    let judged = Judged { text };
    judged.says("Version: 3 (0x2)");
    judged
}

impl Judged {
    #[track_caller]
    fn says(&self, wanted: &str) -> &Self {
        assert!(
            self.text.contains(wanted),
            "no {wanted:?} in\n{}",
            self.text
        );
        self
    }

    #[track_caller]
    fn does_not_say(&self, unwanted: &str) -> &Self {
        assert!(
            !self.text.contains(unwanted),
            "{unwanted:?} in\n{}",
            self.text
        );
        self
    }

    /// The line after the one that names an extension.
    #[track_caller]
    fn extension(&self, name: &str) -> &str {
        let mut lines = self.text.lines().map(str::trim);
        lines
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("no {name} in\n{}", self.text));
        lines.next().expect("an extension has a value")
    }

    /// A leaf for clients, and for nothing else.
    #[track_caller]
    fn is_for_clients(&self) -> &Self {
        assert_eq!(
            self.extension("X509v3 Extended Key Usage"),
            "TLS Web Client Authentication"
        );
        self.is_leaf().does_not_say("Subject Alternative Name")
    }

    /// A leaf for servers, and for nothing else.
    #[track_caller]
    fn is_for_servers(&self) -> &Self {
        assert_eq!(
            self.extension("X509v3 Extended Key Usage"),
            "TLS Web Server Authentication"
        );
        self.is_leaf()
    }

    #[track_caller]
    fn is_leaf(&self) -> &Self {
        assert_eq!(
            self.extension("X509v3 Basic Constraints: critical"),
            "CA:FALSE"
        );
        self.does_not_say("Certificate Sign")
    }
}

/// Where a test keeps certificates that are parts of other files.
fn kept(sandbox: &Sandbox, name: &str, base64: &str) -> PathBuf {
    let encoded = sandbox.write(&format!("{name}.b64"), &format!("{base64}\n"));
    let decoded = Finished::of(
        openssl().args(["base64", "-d", "-A", "-in"]).arg(&encoded),
        "",
    );
    sandbox.write(name, &decoded.success())
}

/// A field of a kubeconfig's first user.
fn of_user(cluster: &Cluster, kubeconfig: &Path, field: &str) -> String {
    let path = format!("jsonpath={{.users[0].user.{field}}}");
    let shown = Finished::of(
        kubectl(kubeconfig).args(["config", "view", "--raw", "--output", &path]),
        "",
    );
    let text = shown.success();
    assert!(
        !text.is_empty(),
        "no {field} in {} of {}",
        kubeconfig.display(),
        cluster.server()
    );
    text
}

#[test]
fn what_init_issues_holds_whatever_the_key() {
    for (algorithm, key, signature) in [
        ("ECDSA-P256", "ASN1 OID: prime256v1", "ecdsa-with-SHA256"),
        ("ECDSA-P384", "ASN1 OID: secp384r1", "ecdsa-with-SHA384"),
        (
            "RSA-2048",
            "Public-Key: (2048 bit)",
            "sha256WithRSAEncryption",
        ),
    ] {
        let cluster = Cluster::start(&[
            "--key-algorithm",
            algorithm,
            "--apiserver-cert-extra-sans=api.example.com,192.0.2.7",
        ]);
        let ca = cluster.ca();
        let authority = judge(&ca, &ca, Purpose::Any);
        authority
            .says("Issuer: CN = kubernetes")
            .says("Subject: CN = kubernetes")
            .says("CA:TRUE")
            .says(key)
            .says(signature);
        let usage = authority.extension("X509v3 Key Usage: critical");
        assert!(usage.contains("Certificate Sign"), "{usage}");

        let server = judge(&ca.with_file_name("apiserver.crt"), &ca, Purpose::Server);
        server
            .is_for_servers()
            .says("Subject: CN = kube-apiserver")
            .says(key)
            .says(signature);
        let names = server.extension("X509v3 Subject Alternative Name");
        for name in [
            "DNS:kubernetes",
            "DNS:kubernetes.default.svc.cluster.local",
            "DNS:api.example.com",
            "IP Address:127.0.0.1",
            "IP Address:192.0.2.7",
        ] {
            assert!(
                names.split(", ").any(|one| one == name),
                "no {name} in {names}"
            );
        }

        let data = of_user(&cluster, &cluster.kubeconfig(), "client-certificate-data");
        let admin = kept(cluster.sandbox(), "admin.crt", &data);
        judge(&admin, &ca, Purpose::Client)
            .is_for_clients()
            .says("CN = kubernetes-admin")
            .says(key)
            .says(signature);
    }
}

#[test]
fn what_a_node_gets_holds_and_is_for_the_node_alone() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let ca = cluster.ca();
    let node = Sandbox::new();
    let _ = cluster.join(&node, "worker-1", &[]).success();
    let current = node.dir().join("kubelet/kubelet-client-current.pem");
    let subject = "Subject: O = system:nodes, CN = system:node:worker-1";
    judge(&current, &ca, Purpose::Client)
        .is_for_clients()
        .says(subject);

    // As kubelet asks for its next certificates, with what it got.
    let client = ["digital signature", "client auth"];
    let request = ask(
        &node,
        "client",
        "kube-apiserver-client-kubelet",
        &client,
        "",
    );
    let renewed = issued(&cluster, &node, &request);
    judge(&renewed, &ca, Purpose::Client)
        .is_for_clients()
        .says(subject);

    let serving = ["digital signature", "server auth"];
    let names = "subjectAltName = DNS:worker-1.example.com, IP:192.0.2.21";
    let request = ask(&node, "serving", "kubelet-serving", &serving, names);
    let _ = cluster.slipway(&["csr", "approve", &request]).success();
    let certificate = issued(&cluster, &node, &request);
    let served = judge(&certificate, &ca, Purpose::Server);
    served.is_for_servers().says(subject);
    assert_eq!(
        served.extension("X509v3 Subject Alternative Name"),
        "DNS:worker-1.example.com, IP Address:192.0.2.21"
    );
}

/// Makes a key and a request with openssl and submits it with the node's own credentials; the request's name.
fn ask(node: &Sandbox, name: &str, signer: &str, usages: &[&str], extension: &str) -> String {
    let (key, csr) = (
        node.file(&format!("{name}.key")),
        node.file(&format!("{name}.csr")),
    );
    let mut make = openssl();
    make.args([
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
    ])
    .args([
        "-nodes",
        "-subj",
        "/O=system:nodes/CN=system:node:worker-1",
        "-keyout",
    ])
    .arg(&key)
    .arg("-out")
    .arg(&csr);
    if !extension.is_empty() {
        make.args(["-addext", extension]);
    }
    let _ = Finished::of(&mut make, "").success();
    let encoded = Finished::of(openssl().args(["base64", "-A", "-in"]).arg(&csr), "").success();
    let object = json!({
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {"request": encoded.trim(), "signerName": format!("kubernetes.io/{signer}"), "usages": usages},
    });
    let kubeconfig = node.dir().join("kubernetes/kubelet.conf");
    let mut create = kubectl(&kubeconfig);
    create.args(["create", "--filename", "-"]);
    let _ = Finished::of(&mut create, &object.to_string()).success();
    name.to_owned()
}

/// Waits for the certificate of a request.
fn issued(cluster: &Cluster, node: &Sandbox, request: &str) -> PathBuf {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let shown = cluster
            .slipway(&["csr", "show", request, "--output=json"])
            .json();
        if let Some(pem) = shown["certificate"].as_str() {
            return node.write(&format!("{request}.crt"), pem);
        }
        assert!(Instant::now() < end, "no certificate in {shown}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_is_served_is_a_chain_to_the_ca() {
    let cluster = Cluster::start(&[]);
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let listen = free.expect("a free port").to_string();
    let mut discovery = cluster.sandbox().spawn(
        "discovery.log",
        ("SLIPWAY_LOG", "error"),
        &["discovery", "serve", "--listen", &listen],
    );
    let address = cluster
        .sandbox()
        .wait_for_text("discovery.log", "answering on ");
    for server in [cluster.server(), address] {
        let mut connect = openssl();
        connect
            .args([
                "s_client",
                "-verify_return_error",
                "-x509_strict",
                "-verify_ip",
                "127.0.0.1",
            ])
            .args(["-connect", &server, "-CAfile"])
            .arg(cluster.ca());
        let said = Finished::of(&mut connect, "").success();
        assert!(
            said.contains("Verify return code: 0 (ok)"),
            "{server}: {said}"
        );
    }
    discovery.kill().expect("the service can be ended");
    let _ = discovery.wait();
}
