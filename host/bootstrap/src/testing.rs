//! What the tests of several modules need: a CA, and servers on loopback that behave as a test wants.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use slipway_pki::ca::{CertificateAuthority, DEFAULT_CA_LIFETIME, ServerCertificate};
use slipway_pki::decision::signing::Validity;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(crate) fn authority() -> CertificateAuthority {
    CertificateAuthority::generate(
        "test",
        KeyAlgorithm::EcdsaP256,
        DEFAULT_CA_LIFETIME,
        Timestamp::now(),
    )
    .unwrap()
}

pub(crate) fn hours_from_now(from: i64, to: i64) -> Validity {
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let at = |hours| now + SignedDuration::from_hours(hours);
    Validity {
        not_before: at(from),
        not_after: at(to),
    }
}

/// A TLS configuration with a certificate for `localhost` and 127.0.0.1.
pub(crate) fn server_config(
    authority: &CertificateAuthority,
    validity: Validity,
) -> Arc<ServerConfig> {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let server = ServerCertificate {
        common_name: "kube-apiserver",
        dns_names: &["localhost".to_owned()],
        addresses: &["127.0.0.1".parse().unwrap()],
    };
    let certificate = authority
        .issue_server(&server, key.public_key(), validity)
        .unwrap();
    let chain = [&certificate, authority.certificate()];
    tls(
        chain.map(|one| one.der().to_vec().into()).into(),
        key.pkcs8_der().to_vec(),
    )
}

pub(crate) fn tls(chain: Vec<CertificateDer<'static>>, pkcs8: Vec<u8>) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::try_from(pkcs8).unwrap())
        .unwrap();
    Arc::new(config)
}

/// What a server sends once it has read the head of a request.
#[derive(Clone)]
pub(crate) enum Answer {
    Bytes(Vec<u8>),
    /// A head, and then a body that does not end.
    Endless {
        head: String,
        chunk: Vec<u8>,
    },
    /// A head, and then nothing.
    Silence {
        head: String,
    },
}

impl Answer {
    pub(crate) fn http(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut bytes = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n",
            body.len()
        );
        for (name, value) in headers {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        bytes.push_str("\r\n");
        Self::Bytes([bytes.as_bytes(), body].concat())
    }
}

/// Serves the same answer to every request, over TLS.
pub(crate) async fn serve(config: Arc<ServerConfig>, answer: Answer) -> SocketAddr {
    serve_in_turn(config, vec![answer]).await
}

/// Serves one answer after the other, and the last one from then on.
pub(crate) async fn serve_in_turn(config: Arc<ServerConfig>, answers: Vec<Answer>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut answers = answers.into_iter();
        let mut last = None;
        while let Ok((tcp, _)) = listener.accept().await {
            last = answers.next().or(last);
            let answer = last.clone().unwrap();
            let acceptor = TlsAcceptor::from(config.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(tcp).await else {
                    return;
                };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => return,
                    }
                }
                match answer {
                    Answer::Bytes(bytes) => {
                        let _ = stream.write_all(&bytes).await;
                        let _ = stream.shutdown().await;
                    }
                    Answer::Endless { head, chunk } => {
                        let _ = stream.write_all(head.as_bytes()).await;
                        while stream.write_all(&chunk).await.is_ok() {}
                    }
                    Answer::Silence { head } => {
                        let _ = stream.write_all(head.as_bytes()).await;
                        let _ = stream.flush().await;
                        std::future::pending::<()>().await;
                    }
                }
            });
        }
    });
    address
}

/// Says the same to everybody who connects, without TLS.
pub(crate) async fn say(words: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut hello = [0; 1024];
                let _ = tcp.read(&mut hello).await;
                let _ = tcp.write_all(words).await;
                let _ = tcp.shutdown().await;
            });
        }
    });
    address
}

pub(crate) mod cluster;
pub(crate) mod plugins;
pub(crate) mod progress;
