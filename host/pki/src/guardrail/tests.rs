//! One test per rule, each with the finding that a person gets to see. The names of the attack cases are those of the
//! security model.

use super::*;
use crate::csr::tests::forge::*;
use crate::key::{KeyAlgorithm, PrivateKey};
use slipway_config::token::TokenBounds;

mod bootstrap;
mod client;
mod serving;

/// A request and the cluster that it meets, both honest until a test changes them.
struct Case {
    key: PrivateKey,
    request: Vec<u8>,
    signer_name: String,
    usages: Vec<String>,
    expiration_seconds: Option<i32>,
    username: String,
    groups: Vec<String>,
    created: Timestamp,
    cluster: ClusterFacts,
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn name(text: &str) -> NodeName {
    text.parse().unwrap()
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn known(node: &str, dns: &[&str], addresses: &[&str]) -> KnownNode {
    KnownNode::new(name(node), dns.iter().chain(addresses).copied())
}

fn ledger(bounds: TokenBounds, expires: Option<Timestamp>) -> TokenLedger {
    TokenLedger::new(
        "abcdef".parse().unwrap(),
        "token-uid".to_owned(),
        bounds,
        expires,
    )
}

impl Case {
    /// The token `abcdef` asks for the new node `worker-1`.
    fn bootstrap() -> Self {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        Self {
            request: Forge::node("worker-1", &key).pem(&key),
            key,
            signer_name: NodeSigner::KubeletClient.name().to_owned(),
            usages: texts(&["digital signature", "client auth"]),
            expiration_seconds: None,
            username: "system:bootstrap:abcdef".to_owned(),
            groups: texts(&[
                "system:bootstrappers",
                "system:bootstrappers:kubeadm:default-node-token",
                "system:authenticated",
            ]),
            created: time("2026-01-01T11:59:00Z"),
            cluster: ClusterFacts {
                now: time("2026-01-01T12:00:00Z"),
                signers: NodeSigner::ALL.to_vec(),
                lifetime: LifetimePolicy::Clamped,
                nodes: vec![known(
                    "worker-2",
                    &["worker-2.example"],
                    &["10.0.0.2", "fd00::2"],
                )],
                control_plane: [name("control-1")].into(),
                api_server: ApiServerIdentity {
                    dns_names: texts(&["api.example"]),
                    addresses: vec!["10.0.0.1".parse().unwrap(), "10.96.0.1".parse().unwrap()],
                },
                rejoin_allowed: BTreeSet::new(),
                token: Some(TokenFacts {
                    ledger: ledger(TokenBounds::default(), None),
                    source_address: None,
                }),
            },
        }
    }

    /// The node `worker-1` renews its identity.
    fn renewal() -> Self {
        let mut case = Self::bootstrap().asked_by(
            "system:node:worker-1",
            &["system:nodes", "system:authenticated"],
        );
        case.cluster
            .nodes
            .push(known("worker-1", &["worker-1"], &["10.0.0.7"]));
        case.cluster.token = None;
        case
    }

    /// The node `worker-1` asks for a serving certificate with its own names.
    fn serving() -> Self {
        let case = Self::renewal().names(&[
            (DNS, b"worker-1"),
            (DNS, b"worker-1.example"),
            (IP, &[10, 0, 0, 7]),
        ]);
        Self {
            signer_name: NodeSigner::KubeletServing.name().to_owned(),
            usages: texts(&["digital signature", "server auth"]),
            ..case
        }
    }

    fn asked_by(self, username: &str, groups: &[&str]) -> Self {
        Self {
            username: username.to_owned(),
            groups: texts(groups),
            ..self
        }
    }

    fn forged(self, forge: impl FnOnce(Forge) -> Forge) -> Self {
        Self {
            request: forge(Forge::node("worker-1", &self.key)).pem(&self.key),
            ..self
        }
    }

    fn names(self, names: &[(u8, &[u8])]) -> Self {
        self.forged(|forge| forge.alternative_names(names))
    }

    fn usages(self, usages: &[&str]) -> Self {
        Self {
            usages: texts(usages),
            ..self
        }
    }

    fn token(mut self, bounds: TokenBounds, expires: Option<&str>) -> Self {
        self.cluster.token = Some(TokenFacts {
            ledger: ledger(bounds, expires.map(time)),
            source_address: None,
        });
        self
    }

    fn check(&self) -> Guarded {
        let csr = CsrFacts {
            request: &self.request,
            signer_name: &self.signer_name,
            usages: &self.usages,
            expiration_seconds: self.expiration_seconds,
            username: &self.username,
            groups: &self.groups,
            created: self.created,
        };
        check(&csr, &self.cluster)
    }

    #[track_caller]
    fn passes(&self) -> GuardedRequest {
        match self.check() {
            Guarded::Passed(request) => *request,
            other => panic!("it did not pass: {other:?}"),
        }
    }

    /// The broken rules with what was seen, one a line.
    #[track_caller]
    fn broken(&self) -> String {
        match self.check() {
            Guarded::Broken(findings) => {
                let failed = findings
                    .iter()
                    .filter(|finding| finding.outcome == Outcome::Failed);
                failed
                    .map(|finding| format!("{}: {}", finding.rule, finding.seen))
                    .collect::<Vec<_>>()
                    .join("\n")
            }
            other => panic!("nothing is broken: {other:?}"),
        }
    }
}

/// A request that passed, for the tests of what comes after.
pub(crate) fn passed() -> Guarded {
    Case::bootstrap().check()
}

/// A request for a serving certificate that passed.
pub(crate) fn passed_serving() -> Guarded {
    Case::serving().check()
}

/// A request that passed and that only a person may approve.
pub(crate) fn deferred() -> Guarded {
    Case::bootstrap()
        .asked_by("jane", &["system:authenticated"])
        .check()
}

#[test]
fn honest_requests_pass_and_carry_the_checked_values() {
    let request = Case::bootstrap().passes();
    assert_eq!(request.node(), &name("worker-1"));
    assert_eq!(request.signer(), NodeSigner::KubeletClient);
    assert_eq!(
        request.usages(),
        [Usage::DigitalSignature, Usage::ClientAuth]
    );
    assert!(request.dns_names().is_empty() && request.addresses().is_empty());
    assert_eq!(
        request.requester(),
        &RequesterIdentity::Bootstrap("abcdef".parse().unwrap())
    );
    assert_eq!(request.deferral(), None);
    assert!(
        request
            .findings()
            .iter()
            .all(|finding| finding.outcome == Outcome::Passed)
    );
    assert_eq!(
        Case::renewal().passes().requester(),
        &RequesterIdentity::Node(name("worker-1"))
    );
    let serving = Case::serving().passes();
    assert_eq!(serving.dns_names().len(), 2);
    assert_eq!(serving.addresses(), ["10.0.0.7".parse::<IpAddr>().unwrap()]);
}

#[test]
fn a_request_that_passes_names_every_rule_and_carries_its_bytes() {
    let rules = |case: &Case| {
        let request = case.passes();
        let rules: Vec<&str> = request
            .findings()
            .iter()
            .map(|finding| finding.rule.as_str())
            .collect();
        rules.join(", ")
    };
    let mut case = Case::bootstrap().token(
        TokenBounds {
            cidrs: vec!["10.1.0.0/16".parse().unwrap()],
            ..TokenBounds::default()
        },
        None,
    );
    case.cluster.token.as_mut().unwrap().source_address = Some("10.1.0.1".parse().unwrap());
    case.expiration_seconds = Some(600);
    insta::assert_snapshot!(rules(&case), @"request-well-formed, key-strength, usages-of-the-signer, lifetime, subject-of-a-node, client-without-extensions, requester-identity, node-is-new, token-source, token-bounds");
    insta::assert_snapshot!(rules(&Case::renewal()), @"request-well-formed, key-strength, usages-of-the-signer, subject-of-a-node, client-without-extensions, requester-identity, renews-only-itself");
    insta::assert_snapshot!(rules(&Case::serving()), @"request-well-formed, key-strength, usages-of-the-signer, subject-of-a-node, serving-extensions, serving-names, not-the-api-server, not-another-node, requester-identity, serving-for-itself");
    let der = crate::pem::single(&case.request, "CERTIFICATE REQUEST").unwrap();
    assert_eq!(case.passes().request().der(), der);
}

#[test]
fn other_signers_are_ignored_whatever_the_request_is() {
    for signer in [
        "kubernetes.io/legacy-unknown",
        "kubernetes.io/kube-apiserver-client",
        "example.com/mine",
        "",
        "kubernetes.io/kube-apiserver-client-kubelet ",
    ] {
        let case = Case {
            signer_name: signer.to_owned(),
            request: b"nonsense".to_vec(),
            ..Case::bootstrap()
        };
        assert!(matches!(case.check(), Guarded::Ignored), "{signer}");
    }
    let mut case = Case::serving();
    case.cluster.signers = vec![NodeSigner::KubeletClient];
    assert!(matches!(case.check(), Guarded::Ignored));
}

#[test]
fn what_cannot_be_read_is_broken_and_not_an_error() {
    let mut case = Case {
        request: b"nonsense".to_vec(),
        ..Case::bootstrap()
    };
    insta::assert_snapshot!(case.broken(), @"request-well-formed: the request is no PEM: it has no PEM block; expected -----BEGIN CERTIFICATE REQUEST-----");
    let other = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    case.request = Forge::node("worker-1", &case.key).pem(&other);
    insta::assert_snapshot!(case.broken(), @"self-signature: its signature was not made with the key it carries, or it was altered");
    let small = josekit::jwk::alg::rsa::RsaKeyPair::generate(1024).unwrap();
    let spki = josekit::jwk::KeyPair::to_der_public_key(&small);
    let case = case.forged(|forge| Forge { spki, ..forge });
    insta::assert_snapshot!(case.broken(), @"key-strength: the public key is RSA with 1024 bits; expected 2048 to 8192");
    let case = case.forged(|forge| Forge {
        signature_algorithm: seq(&[oid("1.2.840.10045.4.1")]),
        ..forge
    });
    insta::assert_snapshot!(case.broken(), @"signature-algorithm: it is signed with SHA-1, which can be forged; sign with SHA-256 or better");
}

#[test]
fn every_broken_rule_is_named_not_the_first_only() {
    let case = Case::bootstrap()
        .usages(&["server auth"])
        .names(&[(DNS, b"a")]);
    let mut case = Case {
        expiration_seconds: Some(1),
        ..case
    };
    case.cluster.nodes.push(known("worker-1", &[], &[]));
    let rules: Vec<String> = case
        .broken()
        .lines()
        .map(|line| line.split(':').next().unwrap().to_owned())
        .collect();
    for rule in [
        "usages-of-the-signer",
        "lifetime",
        "client-without-extensions",
        "node-is-new",
    ] {
        assert!(
            rules.iter().any(|broken| broken == rule),
            "{rule} is missing in {rules:?}"
        );
    }
}

#[test]
fn a_request_shows_neither_key_nor_der_in_its_debug_form() {
    let shown = format!("{:?}", Case::bootstrap().passes());
    assert!(shown.len() < 500 && shown.contains("worker-1"), "{shown}");
}
