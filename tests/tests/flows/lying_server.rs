//! A node on its way to a cluster finds an attacker's server in its place (security.md, cases 2 to 7). What it believes
//! wrongly it would show at once: it would ask for a certificate, with the token.

mod server;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use slipway_config::token::BootstrapToken;
use slipway_pki::ca::{CaBundle, CertificateAuthority};
use slipway_pki::jws;
use slipway_pki::kubeconfig::ClusterInfoKubeconfig;
use slipway_tests::{Finished, Sandbox, openssl};

use self::server::LyingServer;
use crate::tls::authority;

const ID: &str = "abcdef";
const SECRET: &str = "0123456789abcdef";
const TOKEN: &str = "abcdef.0123456789abcdef";
const ALTERED: &str = "the signature does not match: the document was altered";

/// What cluster-info says of a cluster.
fn document(address: &str, cas: &[&CertificateAuthority]) -> String {
    let pem = cas.iter().map(|ca| ca.bundle().to_pem().expect("a CA"));
    let bundle = CaBundle::from_pem(pem.collect::<String>().as_bytes()).expect("CAs");
    let server = format!("https://{address}").parse().expect("a URL");
    let document = ClusterInfoKubeconfig::new(vec![server], Some(bundle)).expect("a cluster");
    document.to_yaml().expect("YAML")
}

fn cluster_info(document: &str, signature: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "cluster-info", "namespace": "kube-public"},
        "data": {"kubeconfig": document, format!("jws-kubeconfig-{ID}"): signature},
    })
}

/// The signature of whoever knows the token.
fn signature(document: &str) -> String {
    let token: BootstrapToken = TOKEN.parse().expect("a token");
    jws::sign(&token, document.as_bytes()).expect("a signature")
}

fn signed(document: &str) -> Value {
    cluster_info(document, &signature(document))
}

/// A signature that is right for its header, whatever the header says.
fn signature_with(header: &str, document: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(header);
    let content = format!("{header}.{}", URL_SAFE_NO_PAD.encode(document));
    let mut digest = openssl();
    digest.args(["dgst", "-sha256", "-r", "-hmac", SECRET]);
    let printed = Finished::of(&mut digest, &content).success();
    let hex = printed.split_whitespace().next().expect("a digest");
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
        .collect();
    format!("{header}..{}", URL_SAFE_NO_PAD.encode(bytes))
}

fn join(node: &Sandbox, server: &LyingServer, trust: &[&str]) -> Finished {
    let arguments = ["join", &server.address, "--node-name=worker-1"];
    let all = [&arguments[..], trust, &["--timeout=3s"]].concat();
    node.slipway_with(("SLIPWAY_TOKEN", TOKEN), &all)
}

fn join_pinned(node: &Sandbox, server: &LyingServer, ca: &CertificateAuthority) -> Finished {
    let pin = ca.certificate().pin().to_string();
    join(node, server, &["--discovery-token-ca-cert-hash", &pin])
}

/// Trust was refused, nothing was written, and the server saw neither a request for a certificate nor the secret. Returns
/// what the user is told.
#[track_caller]
fn refused(server: &LyingServer, ca: &CertificateAuthority) -> String {
    let node = Sandbox::new();
    let told = join_pinned(&node, server, ca).failure(3);
    assert_nothing_given(&node, server);
    told
}

#[track_caller]
fn assert_nothing_given(node: &Sandbox, server: &LyingServer) {
    assert_eq!(node.made(), [""; 0]);
    let asked = server.asked();
    assert!(!asked.is_empty(), "it was not asked at all");
    for request in asked {
        assert!(
            request.starts_with("GET ")
                && !request.to_lowercase().contains("authorization")
                && !request.contains(SECRET),
            "{request}"
        );
    }
}

/// The same lie without its flaw is believed: what was refused was refused for that.
#[track_caller]
fn believed(server: &LyingServer, ca: &CertificateAuthority) {
    let node = Sandbox::new();
    let told = join_pinned(&node, server, ca);
    assert_believed(server, &told);
}

#[track_caller]
fn assert_believed(server: &LyingServer, told: &Finished) {
    assert_ne!(told.code(), Some(0), "this server lets nobody in");
    let asked = server.asked();
    assert!(
        asked
            .iter()
            .any(|request| request.starts_with("POST ") && request.contains(TOKEN)),
        "{asked:?}\n{}",
        told.stderr()
    );
}

#[test]
fn a_header_that_is_not_the_contracts_is_no_signature() {
    let ca = authority();
    let server_with = |header: &str| {
        LyingServer::start(&ca, |address| {
            let document = document(address, &[&ca]);
            vec![cluster_info(&document, &signature_with(header, &document))]
        })
    };
    believed(&server_with(r#"{"alg":"HS256","kid":"abcdef"}"#), &ca);
    for header in [
        r#"{"alg":"none","kid":"abcdef"}"#,
        r#"{"alg":"RS256","kid":"abcdef"}"#,
        r#"{"alg":"ES256","kid":"abcdef"}"#,
        r#"{"kid":"abcdef","alg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"abcdef","typ":"JWT"}"#,
        r#"{"alg":"HS256", "kid":"abcdef"}"#,
        r#"{"alg":"HS256","alg":"HS256","kid":"abcdef"}"#,
        r#"{"alg":"HS256","kid":"uvwxyz","kid":"abcdef"}"#,
    ] {
        let told = refused(&server_with(header), &ca);
        assert!(
            told.contains("header is not the one of a bootstrap signature"),
            "{header}: {told}"
        );
    }
    let told = refused(&server_with(r#"{"alg":"HS256","kid":"uvwxyz"}"#), &ca);
    assert!(told.contains("was made with another token"), "{told}");
}

#[test]
fn what_is_not_signed_at_all_is_not_believed() {
    let ca = authority();
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    for (signature, reason) in [
        (format!("{unsigned}.."), "header is not the one"),
        (String::new(), "is not a compact JWS"),
    ] {
        let server = LyingServer::start(&ca, |address| {
            vec![cluster_info(&document(address, &[&ca]), &signature)]
        });
        let told = refused(&server, &ca);
        assert!(told.contains(reason), "{signature:?}: {told}");
    }
}

#[test]
fn one_altered_byte_is_noticed() {
    let ca = authority();
    let server_after = |alter: fn(&str) -> String| {
        LyingServer::start(&ca, |address| {
            let document = document(address, &[&ca]);
            vec![cluster_info(&alter(&document), &signature(&document))]
        })
    };
    believed(&server_after(str::to_owned), &ca);
    let alterations: [fn(&str) -> String; 3] = [
        |document| document.replacen("127.0.0.1", "127.0.0.2", 1),
        |document| document.replacen("apiVersion", "\napiVersion", 1),
        |document| format!("{document}\n"),
    ];
    for alter in alterations {
        let told = refused(&server_after(alter), &ca);
        assert!(told.contains(ALTERED), "{told}");
    }
    let server = LyingServer::start(&ca, |address| {
        let document = document(address, &[&ca]);
        let signature = signature(&document);
        let (header, bytes) = signature.rsplit_once('.').expect("a signature");
        let other = if bytes.starts_with('A') { "B" } else { "A" };
        vec![cluster_info(
            &document,
            &format!("{header}.{other}{}", &bytes[1..]),
        )]
    });
    let told = refused(&server, &ca);
    assert!(told.contains(ALTERED), "{told}");
}

#[test]
fn whoever_knows_the_token_does_not_pass_the_pin() {
    let (pinned, rogue) = (authority(), authority());
    let server = || {
        LyingServer::start(&rogue, |address| {
            vec![signed(&document(address, &[&rogue]))]
        })
    };
    let told = refused(&server(), &pinned);
    for ca in [&pinned, &rogue] {
        let pin = ca.certificate().pin().to_string();
        assert!(told.contains(&pin), "both pins are shown: {told}");
    }

    // Without a pin the token is all there is, and the attacker has it. Who opts into that is told.
    let server = server();
    let unpinned = ["--discovery-token-unsafe-skip-ca-verification"];
    let told = join(&Sandbox::new(), &server, &unpinned);
    assert!(
        told.stderr().contains("token-without-pin"),
        "{}",
        told.stderr()
    );
    assert_believed(&server, &told);
}

#[test]
fn a_second_document_that_is_not_the_first_ends_it() {
    let ca = authority();
    let server = |second: fn(&str) -> Value| {
        LyingServer::start(&ca, |address| {
            let first = document(address, &[&ca]);
            vec![signed(&first), second(&first)]
        })
    };
    believed(&server(signed), &ca);
    let others: [fn(&str) -> Value; 2] = [
        |first| signed(&format!("{first}# another\n")),
        |first| signed(&first.replacen("127.0.0.1", "127.0.0.2", 1)),
    ];
    for second in others {
        let server = server(second);
        let told = refused(&server, &ca);
        assert!(
            told.contains("over the verified connection is not the one fetched before"),
            "{told}"
        );
        assert_eq!(server.asked().len(), 2);
    }
}

#[test]
fn a_document_that_is_gone_at_the_second_look_is_not_confirmed() {
    let ca = authority();
    let server = LyingServer::start(&ca, |address| {
        let mut gone = signed("");
        gone["data"] = json!({});
        vec![signed(&document(address, &[&ca])), gone]
    });
    let node = Sandbox::new();
    let told = join_pinned(&node, &server, &ca).failure(3);
    assert!(
        told.contains("shows no cluster-info on the verified connection"),
        "{told}"
    );
    assert_nothing_given(&node, &server);
}

#[test]
fn a_rogue_ca_beside_the_pinned_one_vouches_for_nobody() {
    let (pinned, rogue) = (authority(), authority());
    let server_of = |ca: &CertificateAuthority| {
        LyingServer::start(ca, |address| {
            vec![signed(&document(address, &[&pinned, &rogue]))]
        })
    };
    believed(&server_of(&pinned), &pinned);
    let server = server_of(&rogue);
    let told = refused(&server, &pinned);
    assert!(told.contains("which is not the expected CA"), "{told}");
    assert_eq!(server.asked().len(), 1, "the second time it had no say");
}
