//! Clusters and credentials that `slipway controller` and `slipway init --kubeconfig` cannot work with: each time the user
//! is told what is wrong and what to do.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use slipway_pki::ca::{
    CertificateAuthority, ClientCertificate, DEFAULT_CA_LIFETIME, ServerCertificate,
};
use slipway_pki::decision::signing::Validity;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};
use slipway_tests::kubernetes::Kubernetes;
use slipway_tests::{Finished, Sandbox, bounded, openssl};

/// An answer of an API server from 2021, as `openssl s_server` sends it.
const VERSION: &str = "HTTP/1.1 200 OK\r
Content-Type: application/json\r
Connection: close\r
\r
{\"major\":\"1\",\"minor\":\"20\",\"gitVersion\":\"v1.20.15\",\"gitCommit\":\"\",\"gitTreeState\":\"clean\",\"buildDate\":\"2022-01-19T17:23:01Z\",\
\"goVersion\":\"go1.15.15\",\"compiler\":\"gc\",\"platform\":\"linux/amd64\"}";

/// What works on a cluster, and has to look at it first.
const WORKING: &[&[&str]] = &[
    &[
        "controller",
        "--health-bind-address=127.0.0.1:0",
        "--metrics-bind-address=127.0.0.1:0",
    ],
    &["init"],
];

/// What a person does with one call.
const LOOKING: &[&[&str]] = &[&["csr", "list"], &["token", "list"], &["token", "create"]];

/// What these commands say about a kubeconfig.
fn refusals(machine: &Sandbox, kubeconfig: &Path, commands: &[&[&str]], code: i32) -> String {
    let said = commands.iter().map(|command| {
        let mut run = machine.command(command);
        run.arg("--kubeconfig").arg(kubeconfig);
        let refused = Finished::of(&mut bounded(&run), "").message(code);
        let words = command.iter().filter(|word| !word.starts_with("--"));
        let words: Vec<_> = words.copied().collect();
        format!("slipway {}\n{refused}", words.join(" "))
    });
    said.collect::<Vec<_>>().join("\n\n")
}

/// The same kubeconfig with something of it replaced: a value of one line, by its name.
fn with(kubeconfig: &Path, name: &str, value: &str) -> String {
    let text = std::fs::read_to_string(kubeconfig).expect("a kubeconfig");
    let lines = text.lines().map(|line| match line.split_once(": ") {
        Some((before, _)) if before.trim() == name => format!("{before}: {value}\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

#[test]
fn credentials_that_are_not_enough_and_a_ca_that_is_anothers() {
    let cluster = Kubernetes::start();
    let machine = cluster.sandbox();

    let nobody = cluster.kubeconfig_of("nobody", "nobodies");
    assert_snapshot!("without-rights", refusals(machine, &nobody, WORKING, 4));
    let refused = refusals(machine, &nobody, LOOKING, 4);
    assert_snapshot!("without-rights-to-look", refused);

    let now = Timestamp::now();
    let another = CertificateAuthority::generate(
        "kubernetes",
        KeyAlgorithm::EcdsaP256,
        DEFAULT_CA_LIFETIME,
        now,
    );
    let pem = another.expect("a CA").certificate().to_pem().expect("PEM");
    let text = with(
        &cluster.kubeconfig(),
        "certificate-authority-data",
        &STANDARD.encode(pem),
    );
    let wrong = machine.write("wrong-cluster.conf", &text);
    assert_snapshot!("wrong-cluster", refusals(machine, &wrong, WORKING, 3));

    let read = |file: &Path| std::fs::read(file).expect("a file of kubeadm's");
    let key = String::from_utf8(read(&cluster.ca_key())).expect("PEM");
    let authority = CertificateAuthority::from_pem(&read(&cluster.ca()), &key, now);
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
    let administrator = ClientCertificate {
        user: "kubernetes-admin",
        group: Some("kubeadm:cluster-admins"),
    };
    let hours_ago = |hours| {
        let time = now - SignedDuration::from_hours(hours);
        Timestamp::from_second(time.as_second()).expect("a time")
    };
    let validity = Validity {
        not_before: hours_ago(2),
        not_after: hours_ago(1),
    };
    let issued =
        authority
            .expect("kubeadm's CA")
            .issue_client(&administrator, key.public_key(), validity);
    let pem = issued.expect("a certificate").to_pem().expect("PEM");
    let text = with(
        &cluster.kubeconfig(),
        "client-certificate-data",
        &STANDARD.encode(pem),
    );
    let expired = machine.write("expired.conf", &text);
    let key = key.to_pem().expect("PEM");
    let text = with(
        &expired,
        "client-key-data",
        &STANDARD.encode(key.as_bytes()),
    );
    let expired = machine.write("expired.conf", &text);
    assert_snapshot!("expired", refusals(machine, &expired, WORKING, 4));
}

/// A server that knows its version and nothing else, and a kubeconfig that leads to it.
struct OldServer {
    machine: Sandbox,
    process: Child,
}

impl OldServer {
    fn start() -> Self {
        let machine = Sandbox::new();
        let now = Timestamp::now();
        let authority = CertificateAuthority::generate(
            "kubernetes",
            KeyAlgorithm::EcdsaP256,
            DEFAULT_CA_LIFETIME,
            now,
        );
        let authority = authority.expect("a CA");
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
        let server = ServerCertificate {
            common_name: "kube-apiserver",
            dns_names: &[],
            addresses: &["127.0.0.1".parse().expect("an address")],
        };
        let issued = authority.issue_server(&server, key.public_key(), authority.validity());
        let certificate = issued.expect("a certificate").to_pem().expect("PEM");
        machine.write("server.crt", &certificate);
        machine.write("server.key", &key.to_pem().expect("PEM"));
        machine.write("version", VERSION);
        let mut process = openssl()
            .args(["s_server", "-accept", "127.0.0.1:0", "-HTTP"])
            .args(["-cert", "server.crt", "-key", "server.key"])
            .current_dir(machine.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl can be started");
        let said = BufReader::new(process.stdout.take().expect("a pipe"));
        let address = said
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned))
            .expect("openssl says where it listens");
        let ca = authority.certificate().to_pem().expect("PEM");
        let kubeconfig = format!(
            "apiVersion: v1
kind: Config
clusters:
- name: old
  cluster:
    server: https://{address}
    certificate-authority-data: {}
users:
- name: administrator
  user:
    token: abc
contexts:
- name: old
  context:
    cluster: old
    user: administrator
current-context: old
",
            STANDARD.encode(ca)
        );
        machine.write("old.conf", &kubeconfig);
        Self { machine, process }
    }
}

impl Drop for OldServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn an_api_server_that_is_too_old() {
    let server = OldServer::start();
    let kubeconfig = server.machine.file("old.conf");
    let refused = refusals(&server.machine, &kubeconfig, WORKING, 1);
    assert_snapshot!("too-old", refused);
}
