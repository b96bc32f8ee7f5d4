//! The bundled trust sources through the real runtime, against a server that is an attacker's as often as not.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::json;
use slipway_config::token::BootstrapToken;
use slipway_pki::ca::{CertificateAuthority, ServerCertificate};
use slipway_pki::decision::signing::Validity;
use slipway_pki::jws;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};
use slipway_pki::kubeconfig::ClusterInfoKubeconfig;
use slipway_plugin::TrustSource;
use slipway_plugin::extension::trust_source::{Discovery, DiscoveryError, DiscoveryRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::{bundled, host};

const PATH: &str = "/api/v1/namespaces/kube-public/configmaps/cluster-info";

fn token() -> BootstrapToken {
    "abcdef.0123456789abcdef".parse().unwrap()
}

async fn trust_jws() -> Arc<dyn TrustSource> {
    let entry = bundled(
        "trust-jws",
        json!({"grants": {"unverifiedHttps": true}, "limits": {"deadline": "10s"}}),
    );
    host().load_trust_source(&entry).await.unwrap()
}

async fn discover(location: &str) -> Result<Discovery, DiscoveryError> {
    discover_at(&[location]).await
}

async fn discover_at(locations: &[&str]) -> Result<Discovery, DiscoveryError> {
    let request = DiscoveryRequest {
        locations: locations.iter().map(ToString::to_string).collect(),
        token: Some(token()),
        ..DiscoveryRequest::default()
    };
    trust_jws().await.discover(request).await
}

#[tokio::test]
async fn signed_cluster_information_is_discovered_and_the_host_remembers_what_was_signed() {
    let cluster = Cluster::new();
    let kubeconfig = cluster.kubeconfig();
    let signature = jws::sign(&token(), kubeconfig.as_bytes()).unwrap();
    let server = cluster.serve(config_map(&kubeconfig, &signature)).await;
    let discovery = discover(&server).await.unwrap();
    assert_eq!(
        discovery.proposed.endpoints,
        ["https://10.0.0.1:6443".parse().unwrap()]
    );
    assert_eq!(
        discovery.proposed.ca.as_ref().unwrap().pins(),
        [cluster.ca.certificate().pin()]
    );
    assert!(!discovery.proposed.evidence.is_empty());
    let [signed] = discovery.signed.as_slice() else {
        panic!("{:?}", discovery.signed);
    };
    assert_eq!(signed.as_bytes(), kubeconfig.as_bytes());
    assert_eq!(signed.token_id(), &token().id);
}

#[tokio::test]
async fn the_discovery_service_of_the_alpha_is_understood() {
    let cluster = Cluster::new();
    let ca = cluster.ca.bundle().to_pem().unwrap();
    let payload = json!({"certificateAuthorities": [ca], "endpoints": ["https://10.0.0.1:6443"]});
    let answer = jws::sign_compact(&token(), payload.to_string().as_bytes()).unwrap();
    let server = cluster.serve(Answer::ok("application/jose", answer)).await;
    let discovery = discover(&format!("discovery://{server}")).await.unwrap();
    assert_eq!(
        discovery.signed[0].as_bytes(),
        payload.to_string().as_bytes()
    );
    assert_eq!(discovery.proposed.endpoints.len(), 1);
}

#[tokio::test]
async fn what_was_not_signed_with_the_token_is_refused_and_nothing_is_remembered() {
    let cluster = Cluster::new();
    let kubeconfig = cluster.kubeconfig();
    let other: BootstrapToken = "abcdef.ffffffffffffffff".parse().unwrap();
    let signature = jws::sign(&token(), kubeconfig.as_bytes()).unwrap();
    let altered = kubeconfig.replacen("10.0.0.1", "10.0.0.2", 1);
    for (document, signature) in [
        (
            &kubeconfig,
            jws::sign(&other, kubeconfig.as_bytes()).unwrap(),
        ),
        (&altered, signature.clone()),
        (&kubeconfig, signature.replacen("..", ".e30.", 1)),
        (&kubeconfig, "eyJhbGciOiJub25lIn0..".to_owned()),
        (&kubeconfig, String::new()),
    ] {
        let server = cluster.serve(config_map(document, &signature)).await;
        let refused = discover(&server).await.unwrap_err();
        assert!(
            matches!(refused, DiscoveryError::Untrusted(_)),
            "{signature}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_signed_yet_is_worth_another_try() {
    let cluster = Cluster::new();
    let body = json!({"data": {"kubeconfig": cluster.kubeconfig()}}).to_string();
    let server = cluster.serve(Answer::ok("application/json", body)).await;
    let error = discover(&server).await.unwrap_err();
    assert!(matches!(error, DiscoveryError::NotSigned(_)), "{error:?}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_server_that_misbehaves_is_an_error_in_time() {
    let cluster = Cluster::new();
    let huge = "x".repeat(2 * 1024 * 1024);
    let redirect = Answer(format!(
        "HTTP/1.1 302 Found\r\nlocation: https://127.0.0.1/{PATH}\r\ncontent-length: 0\r\n\r\n"
    ));
    for answer in [
        Answer::ok("application/json", huge),
        Answer::ok("text/html", "<html>".to_owned()),
        Answer::ok("application/json", "{".to_owned()),
        Answer("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nshort".to_owned()),
        Answer("not HTTP at all\r\n\r\n".to_owned()),
        Answer("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n".to_owned()),
        redirect,
    ] {
        let server = cluster.serve(answer).await;
        let error = tokio::time::timeout(Duration::from_secs(12), discover(&server))
            .await
            .unwrap()
            .unwrap_err();
        assert!(!matches!(error, DiscoveryError::Failed(_)), "{error:?}");
    }
}

#[tokio::test]
async fn servers_that_say_nothing_hold_up_nobody() {
    let cluster = Cluster::new();
    let kubeconfig = cluster.kubeconfig();
    let signature = jws::sign(&token(), kubeconfig.as_bytes()).unwrap();
    let server = cluster.serve(config_map(&kubeconfig, &signature)).await;
    let forged = jws::sign(
        &"abcdef.ffffffffffffffff".parse().unwrap(),
        kubeconfig.as_bytes(),
    )
    .unwrap();
    let liar = cluster.serve(config_map(&kubeconfig, &forged)).await;
    // Connections are taken by the system, and nobody ever reads from them.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    // Longer together than the deadline of the call, if they were waited for.
    let silent = [silent.as_str(); 4];
    let locations = [&silent[..], &[&liar, &server]].concat();
    let discovery = discover_at(&locations).await.unwrap();
    assert_eq!(discovery.signed[0].as_bytes(), kubeconfig.as_bytes());
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_that_is_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let plain = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 64];
        let _ = stream.read(&mut buffer).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let error = discover(&place).await.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("tls"), "{error}");
    plain.await.unwrap();

    let away = discover(&place).await.unwrap_err();
    assert!(matches!(away, DiscoveryError::Unavailable(_)), "{away:?}");
}

#[tokio::test]
async fn without_the_grant_it_does_not_load() {
    let error = host()
        .load_trust_source(&bundled("trust-jws", json!({})))
        .await
        .err()
        .unwrap();
    insta::assert_snapshot!(error, @"plugin trust-jws imports slipway:plugin/unverified-https@0.1.0, which needs a grant: add `grants: {unverifiedHttps: true}` to its entry under trustSources");
}

#[tokio::test]
async fn a_file_is_proposed_as_the_host_read_it() {
    let cluster = Cluster::new();
    for name in ["trust-file", "trust-https"] {
        let source = host()
            .load_trust_source(&bundled(name, json!({})))
            .await
            .unwrap();
        let location = match name {
            "trust-file" => "/etc/discovery.conf",
            _ => "https://web.example/discovery.conf",
        };
        let request = DiscoveryRequest {
            locations: vec![location.to_owned()],
            document: Some(cluster.kubeconfig().into_bytes()),
            ..DiscoveryRequest::default()
        };
        let discovery = source.discover(request).await.unwrap();
        assert_eq!(
            discovery.proposed.ca.unwrap().pins(),
            [cluster.ca.certificate().pin()]
        );
        assert!(discovery.signed.is_empty(), "nothing was signed");
    }
}

/// A cluster's CA, and servers with certificates that nobody has reason to believe.
pub(crate) struct Cluster {
    ca: CertificateAuthority,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let ca = CertificateAuthority::generate(
            "kubernetes",
            KeyAlgorithm::EcdsaP256,
            Duration::from_secs(86_400),
            Timestamp::now(),
        );
        Self { ca: ca.unwrap() }
    }

    fn kubeconfig(&self) -> String {
        let endpoint = "https://10.0.0.1:6443".parse().unwrap();
        ClusterInfoKubeconfig::new(vec![endpoint], Some(self.ca.bundle()))
            .unwrap()
            .to_yaml()
            .unwrap()
    }

    /// Serves one answer, whatever is asked, and returns host and port.
    pub(crate) async fn serve(&self, answer: Answer) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let acceptor = TlsAcceptor::from(Arc::new(self.tls()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut request = Vec::new();
                let mut buffer = [0; 1024];
                while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                    match stream.read(&mut buffer).await {
                        Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
                        _ => break,
                    }
                }
                let _ = stream.write_all(answer.0.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        place
    }

    fn tls(&self) -> ServerConfig {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let addresses = [IpAddr::from([127, 0, 0, 1])];
        let server = ServerCertificate {
            common_name: "kube-apiserver",
            dns_names: &[],
            addresses: &addresses,
        };
        let validity = Validity {
            not_before: self.ca.validity().not_before,
            not_after: self.ca.validity().not_after,
        };
        let certificate = self
            .ca
            .issue_server(&server, key.public_key(), validity)
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(certificate.der().to_vec())],
                PrivatePkcs8KeyDer::from(key.pkcs8_der().to_vec()).into(),
            )
            .unwrap()
    }
}

/// An HTTP answer as it goes over the wire.
pub(crate) struct Answer(String);

impl Answer {
    pub(crate) fn ok(content_type: &str, body: String) -> Self {
        Self(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ))
    }
}

fn config_map(kubeconfig: &str, signature: &str) -> Answer {
    let map = json!({"data": {"kubeconfig": kubeconfig, "jws-kubeconfig-abcdef": signature}});
    Answer::ok("application/json", map.to_string())
}
