//! OpenSSL's own command line as a second opinion: it reads what is made here, and makes what is read here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use jiff::Timestamp;
use slipway_config::token::{BootstrapToken, TokenBounds};
use slipway_pki::ca::{
    CertificateAuthority, ClientCertificate, DEFAULT_CA_LIFETIME, ServerCertificate,
};
use slipway_pki::csr::{CertificateRequest, NodeCsr};
use slipway_pki::decision::ledger::TokenLedger;
use slipway_pki::decision::signing::{DEFAULT_MAXIMUM, Validity, validity};
use slipway_pki::guardrail::{
    ApiServerIdentity, ClusterFacts, CsrFacts, Guarded, GuardedRequest, LifetimePolicy, TokenFacts,
    check,
};
use slipway_pki::jws;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};
use slipway_pki::signer::NodeSigner;
use tempfile::TempDir;

const ALGORITHMS: [KeyAlgorithm; 4] = [
    KeyAlgorithm::EcdsaP256,
    KeyAlgorithm::EcdsaP384,
    KeyAlgorithm::Ed25519,
    KeyAlgorithm::Rsa2048,
];

/// A folder in which `openssl` is run.
struct Openssl(TempDir);

impl Openssl {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `openssl` with these arguments, parted by spaces, and returns what it wrote.
    #[track_caller]
    fn run(&self, arguments: &str) -> Vec<u8> {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.0.path())
            .output()
            .expect("these tests need the program openssl");
        assert!(
            output.status.success(),
            "openssl {arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    #[track_caller]
    fn text(&self, arguments: &str) -> String {
        String::from_utf8(self.run(arguments)).unwrap()
    }
}

fn authority(algorithm: KeyAlgorithm) -> CertificateAuthority {
    CertificateAuthority::generate(
        "kubernetes",
        algorithm,
        DEFAULT_CA_LIFETIME,
        Timestamp::now(),
    )
    .unwrap()
}

fn a_day(authority: &CertificateAuthority) -> Validity {
    validity(
        Timestamp::now(),
        Some(86_400),
        DEFAULT_MAXIMUM,
        authority.validity(),
    )
    .unwrap()
}

fn facts() -> ClusterFacts {
    let ledger = TokenLedger::new(
        "abcdef".parse().unwrap(),
        "uid".to_owned(),
        TokenBounds::default(),
        None,
    );
    ClusterFacts {
        now: Timestamp::now(),
        signers: NodeSigner::ALL.to_vec(),
        lifetime: LifetimePolicy::Clamped,
        nodes: Vec::new(),
        control_plane: BTreeSet::new(),
        api_server: ApiServerIdentity::default(),
        rejoin_allowed: BTreeSet::new(),
        token: Some(TokenFacts {
            ledger,
            source_address: None,
        }),
    }
}

/// What the guardrails say to a request of the token, or of the node itself for a serving certificate.
fn guarded(pem: &str, signer: NodeSigner) -> Guarded {
    let usages: Vec<String> = signer
        .required_usages()
        .iter()
        .map(ToString::to_string)
        .collect();
    let (username, group) = match signer {
        NodeSigner::KubeletClient => ("system:bootstrap:abcdef", "system:bootstrappers"),
        NodeSigner::KubeletServing => ("system:node:worker-1", "system:nodes"),
    };
    let csr = CsrFacts {
        request: pem.as_bytes(),
        signer_name: signer.name(),
        usages: &usages,
        expiration_seconds: None,
        username,
        groups: &[group.to_owned()],
        created: Timestamp::now(),
    };
    check(&csr, &facts())
}

#[track_caller]
fn passed(pem: &str, signer: NodeSigner) -> GuardedRequest {
    match guarded(pem, signer) {
        Guarded::Passed(request) => *request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn openssl_verifies_every_kind_of_certificate_by_every_kind_of_ca() {
    for algorithm in ALGORITHMS {
        let openssl = Openssl::new();
        let authority = authority(algorithm);
        openssl.write("ca.crt", authority.certificate().to_pem().unwrap());
        let key = PrivateKey::generate(algorithm).unwrap();
        let node = "worker-1".parse().unwrap();
        let validity = a_day(&authority);

        let dns_names = ["api.example".to_owned()];
        let addresses = ["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()];
        let server = ServerCertificate {
            common_name: "kube-apiserver",
            dns_names: &dns_names,
            addresses: &addresses,
        };
        let server = authority
            .issue_server(&server, key.public_key(), validity)
            .unwrap();
        let admin = ClientCertificate {
            user: "kubernetes-admin",
            group: Some("system:masters"),
        };
        let admin = authority
            .issue_client(&admin, key.public_key(), validity)
            .unwrap();
        let csr = NodeCsr::client(&node, &key).unwrap();
        let client = passed(&csr.to_pem().unwrap(), NodeSigner::KubeletClient);
        let client = authority.sign_node(&client, validity).unwrap();
        let csr = NodeCsr::serving(
            &node,
            &["worker-1.example".parse().unwrap()],
            &[addresses[1]],
            &key,
        )
        .unwrap();
        let serving = passed(&csr.to_pem().unwrap(), NodeSigner::KubeletServing);
        let serving = authority.sign_node(&serving, validity).unwrap();

        openssl.write("server.crt", server.to_pem().unwrap());
        openssl.write("admin.crt", admin.to_pem().unwrap());
        openssl.write("client.crt", client.to_pem().unwrap());
        openssl.write("serving.crt", serving.to_pem().unwrap());
        let verify = "verify -x509_strict -check_ss_sig -CAfile ca.crt";
        openssl.run(&format!("{verify} ca.crt"));
        openssl.run(&format!(
            "{verify} -purpose sslserver -verify_hostname api.example -verify_ip fd00::1 server.crt"
        ));
        openssl.run(&format!("{verify} -purpose sslclient admin.crt"));
        openssl.run(&format!("{verify} -purpose sslclient client.crt"));
        openssl.run(&format!(
            "{verify} -purpose sslserver -verify_hostname worker-1.example serving.crt"
        ));

        let subject =
            |name: &str| openssl.text(&format!("x509 -in {name} -noout -subject -nameopt RFC2253"));
        assert_eq!(
            subject("client.crt").trim(),
            "subject=CN=system:node:worker-1,O=system:nodes"
        );
        assert_eq!(
            subject("admin.crt").trim(),
            "subject=CN=kubernetes-admin,O=system:masters"
        );
        let text = openssl.text("x509 -in client.crt -noout -text");
        for expected in [
            "CA:FALSE",
            "TLS Web Client Authentication",
            "Digital Signature",
            "Authority Key Identifier",
        ] {
            assert!(text.contains(expected), "{expected} is missing in {text}");
        }
        assert!(!text.contains("Alternative Name") && !text.contains("TLS Web Server"));
        let text = openssl.text("x509 -in serving.crt -noout -ext subjectAltName");
        assert!(
            text.contains("DNS:worker-1.example, IP Address:FD00:0:0:0:0:0:0:1"),
            "{text}"
        );
    }
}

#[test]
fn the_pin_is_the_one_that_kubeadms_recipe_computes() {
    for algorithm in ALGORITHMS {
        let openssl = Openssl::new();
        let authority = authority(algorithm);
        openssl.write("ca.crt", authority.certificate().to_pem().unwrap());
        openssl.run("x509 -pubkey -in ca.crt -noout -out ca.pub");
        openssl.run("pkey -pubin -in ca.pub -outform der -out ca.der");
        let digest = openssl.text("dgst -sha256 -r ca.der");
        let pin = format!("sha256:{}", digest.split(' ').next().unwrap());
        assert_eq!(authority.certificate().pin().to_string(), pin);
    }
}

#[test]
fn keys_go_both_ways() {
    for algorithm in ALGORITHMS {
        let openssl = Openssl::new();
        let key = PrivateKey::generate(algorithm).unwrap();
        openssl.write("key.pem", key.to_pem().unwrap().as_bytes());
        openssl.run("pkey -in key.pem -check -noout");
        openssl.run("pkey -in key.pem -pubout -outform der -out pub.der");
        assert_eq!(
            fs::read(openssl.path("pub.der")).unwrap(),
            key.public_key().spki_der()
        );
    }
    for command in [
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem",
        "genpkey -algorithm ED25519 -out key.pem",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem",
        "ecparam -name prime256v1 -genkey -out key.pem",
        "ecparam -name secp384r1 -genkey -noout -out key.pem",
        "genrsa -traditional -out key.pem 2048",
    ] {
        let openssl = Openssl::new();
        openssl.run(command);
        let key = PrivateKey::from_pem(&openssl.read("key.pem")).expect(command);
        openssl.run("pkey -in key.pem -pubout -outform der -out pub.der");
        assert_eq!(
            fs::read(openssl.path("pub.der")).unwrap(),
            key.public_key().spki_der(),
            "{command}"
        );
    }
    let openssl = Openssl::new();
    openssl.run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out key.pem");
    assert!(PrivateKey::from_pem(&openssl.read("key.pem")).is_err());
}

#[test]
fn requests_go_both_ways() {
    let subject = "-subj /O=system:nodes/CN=system:node:worker-1";
    for (key, digest) in [
        ("ec -pkeyopt ec_paramgen_curve:P-256", "-sha256"),
        ("ec -pkeyopt ec_paramgen_curve:P-256", "-sha384"),
        ("ec -pkeyopt ec_paramgen_curve:P-384", "-sha384"),
        ("rsa:2048", "-sha256"),
        ("rsa:3072", "-sha512"),
        ("ed25519", "-sha256"),
    ] {
        let openssl = Openssl::new();
        openssl.run(&format!(
            "req -new -nodes -newkey {key} {digest} {subject} -keyout key.pem -out client.csr"
        ));
        passed(&openssl.read("client.csr"), NodeSigner::KubeletClient);
        let names = "-addext subjectAltName=DNS:worker-1.example,IP:10.0.0.7";
        openssl.run(&format!(
            "req -new -key key.pem {digest} {subject} {names} -out serving.csr"
        ));
        let serving = passed(&openssl.read("serving.csr"), NodeSigner::KubeletServing);
        assert_eq!(
            (serving.dns_names().len(), serving.addresses().len()),
            (1, 1)
        );
        assert!(matches!(
            guarded(&openssl.read("serving.csr"), NodeSigner::KubeletClient),
            Guarded::Broken(_)
        ));
        let key = PrivateKey::from_pem(&openssl.read("key.pem")).unwrap();
        openssl.write(
            "ours.csr",
            NodeCsr::client(&"worker-1".parse().unwrap(), &key)
                .unwrap()
                .to_pem()
                .unwrap(),
        );
        openssl.run("req -in ours.csr -noout -verify");
    }
}

#[test]
fn what_openssl_can_be_made_to_write_and_no_node_should_is_refused() {
    let node = "-subj /O=system:nodes/CN=system:node:worker-1";
    let ec = "ec -pkeyopt ec_paramgen_curve:P-256";
    for (what, rule, arguments) in [
        (
            "SHA-1",
            "signature-algorithm",
            format!("-newkey rsa:2048 -sha1 {node}"),
        ),
        (
            "MD5",
            "signature-algorithm",
            format!("-newkey rsa:2048 -md5 {node}"),
        ),
        (
            "a small key",
            "key-strength",
            format!("-newkey rsa:1024 -sha256 {node}"),
        ),
        (
            "P-521",
            "key-strength",
            format!("-newkey ec -pkeyopt ec_paramgen_curve:P-521 {node}"),
        ),
        (
            "secp256k1",
            "key-strength",
            format!("-newkey ec -pkeyopt ec_paramgen_curve:secp256k1 {node}"),
        ),
        (
            "explicit curve parameters",
            "key-strength",
            format!("-newkey {ec} -pkeyopt ec_param_enc:explicit {node}"),
        ),
        (
            "PSS",
            "signature-algorithm",
            format!("-newkey rsa:2048 -sigopt rsa_padding_mode:pss {node}"),
        ),
        (
            "masters",
            "subject-of-a-node",
            format!("-newkey {ec} -subj /O=system:masters/CN=system:node:worker-1"),
        ),
        (
            "two organizations",
            "subject-of-a-node",
            format!("-newkey {ec} -subj /O=system:nodes/O=system:masters/CN=system:node:worker-1"),
        ),
        (
            "two names",
            "subject-of-a-node",
            format!("-newkey {ec} -subj /O=system:nodes/CN=system:node:worker-1/CN=admin"),
        ),
        (
            "a multi-valued part",
            "request-well-formed",
            format!("-newkey {ec} -subj /O=system:nodes+CN=system:node:worker-1"),
        ),
        (
            "a CA",
            "client-without-extensions",
            format!("-newkey {ec} {node} -addext basicConstraints=critical,CA:TRUE"),
        ),
        (
            "a usage",
            "client-without-extensions",
            format!("-newkey {ec} {node} -addext keyUsage=digitalSignature"),
        ),
        (
            "a name",
            "client-without-extensions",
            format!("-newkey {ec} {node} -addext subjectAltName=DNS:kubernetes"),
        ),
    ] {
        let openssl = Openssl::new();
        openssl.run(&format!(
            "req -new -nodes {arguments} -keyout key.pem -out bad.csr"
        ));
        let guarded = guarded(&openssl.read("bad.csr"), NodeSigner::KubeletClient);
        assert!(
            matches!(&guarded, Guarded::Broken(findings) if findings[0].rule == rule),
            "{what}: {guarded:?}"
        );
    }
    for name in [
        "email:a@b",
        "URI:https://a",
        "otherName:1.2.3.4;UTF8:a",
        "RID:1.2.3",
        "IP:127.0.0.1",
        "DNS:*.example",
    ] {
        let openssl = Openssl::new();
        let arguments =
            format!("-newkey {ec} {node} -addext subjectAltName=DNS:worker-1.example,{name}");
        openssl.run(&format!(
            "req -new -nodes {arguments} -keyout key.pem -out bad.csr"
        ));
        let guarded = guarded(&openssl.read("bad.csr"), NodeSigner::KubeletServing);
        assert!(matches!(guarded, Guarded::Broken(_)), "{name}: {guarded:?}");
    }
}

#[test]
fn a_ca_made_by_openssl_signs_here() {
    for (key, subject) in [
        ("rsa:2048", "/CN=kubernetes"),
        (
            "ec -pkeyopt ec_paramgen_curve:P-256",
            "/C=DE/O=Example/OU=Platform/CN=cluster CA",
        ),
    ] {
        let openssl = Openssl::new();
        let subject = subject.replace(' ', "_");
        openssl.run(&format!(
            "req -x509 -nodes -days 30 -newkey {key} -subj {subject} -keyout ca.key -out ca.crt"
        ));
        let authority = CertificateAuthority::from_pem(
            openssl.read("ca.crt").as_bytes(),
            &openssl.read("ca.key"),
            Timestamp::now(),
        )
        .unwrap();
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let csr = NodeCsr::client(&"worker-1".parse().unwrap(), &key).unwrap();
        let request = passed(&csr.to_pem().unwrap(), NodeSigner::KubeletClient);
        let certificate = authority.sign_node(&request, a_day(&authority)).unwrap();
        openssl.write("client.crt", certificate.to_pem().unwrap());
        openssl.run("verify -purpose sslclient -CAfile ca.crt client.crt");
    }
}

#[test]
fn a_ca_whose_name_rcgen_would_write_otherwise_is_refused() {
    // Two organizational units, and two attributes in one part: nobody could find the issuer.
    for subject in ["/OU=one/OU=two/CN=ca", "/O=one+CN=ca -multivalue-rdn"] {
        let openssl = Openssl::new();
        openssl.run(&format!(
            "req -x509 -nodes -newkey ed25519 -subj {subject} -keyout ca.key -out ca.crt"
        ));
        let (certificate, key) = (openssl.read("ca.crt"), openssl.read("ca.key"));
        let now = Timestamp::now();
        let refused = CertificateAuthority::from_pem(certificate.as_bytes(), &key, now);
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("cannot be repeated exactly"),
            "{subject}: {refused}"
        );
    }
}

#[test]
fn openssl_computes_the_same_signature_of_a_discovery_document() {
    let openssl = Openssl::new();
    let token: BootstrapToken = "abcdef.0123456789abcdef".parse().unwrap();
    let compact = jws::sign_compact(&token, b"apiVersion: v1\n").unwrap();
    let (message, signature) = compact.rsplit_once('.').unwrap();
    openssl.write("message", message);
    openssl.run("dgst -sha256 -mac HMAC -macopt key:0123456789abcdef -binary -out mac message");
    openssl.run("base64 -A -in mac -out mac.b64");
    let expected = openssl.read("mac.b64").replace('+', "-").replace('/', "_");
    assert_eq!(signature, expected.trim_end_matches('='));
}

#[test]
fn a_request_with_another_request_behind_it_is_refused() {
    let openssl = Openssl::new();
    let request = "-newkey ed25519 -subj /O=system:nodes/CN=system:node:worker-1";
    openssl.run(&format!(
        "req -new -nodes {request} -keyout key.pem -outform der -out node.csr"
    ));
    let der = fs::read(openssl.path("node.csr")).unwrap();
    assert!(CertificateRequest::from_der(&der).is_ok());
    assert!(CertificateRequest::from_der(&[der.clone(), der].concat()).is_err());
}
