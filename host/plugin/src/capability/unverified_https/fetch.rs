//! One GET over TLS that is not verified.

use std::error::Error as _;
use std::io;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, InvalidMessage, SignatureScheme};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::place::Target;
use crate::bindings::import::unverified_https::{FetchError, Response};
use crate::capability::network::{self, DialError, Reach};

/// Fetches `target`; a body of more than `body_bytes` is an error.
pub(super) async fn get(target: &Target, body_bytes: usize) -> Result<Response, FetchError> {
    let stream = connect(target).await?;
    let peer_certificates = stream
        .get_ref()
        .1
        .peer_certificates()
        .unwrap_or_default()
        .iter()
        .map(|certificate| certificate.to_vec())
        .collect();
    let answer = exchange(stream, target).await?;
    let status = answer.status().as_u16();
    let content_type = media_type(&answer);
    let body = read(answer.into_body(), body_bytes).await?;
    Ok(Response {
        status,
        content_type,
        body,
        peer_certificates,
    })
}

async fn connect(target: &Target) -> Result<TlsStream<tokio::net::TcpStream>, FetchError> {
    let place = &target.place;
    // The plugin knows where it wanted to go; what is told is what became of it.
    let name =
        network::server_name(place.host()).map_err(|error| FetchError::Dns(error.to_string()))?;
    let stream = network::dial(place, Reach::Any)
        .await
        .map_err(|error| match error {
            DialError::Resolve { source, .. } => FetchError::Dns(source.to_string()),
            DialError::Forbidden { .. } => FetchError::NotAllowed(error.to_string()),
            DialError::Connect { source, .. } => FetchError::Connect(source.to_string()),
        })?;
    let tls = TLS
        .as_ref()
        .map_err(|error| FetchError::Tls(error.to_string()))?;
    TlsConnector::from(Arc::clone(tls))
        .connect(name, stream)
        .await
        .map_err(|error| refused(&error))
}

fn refused(error: &io::Error) -> FetchError {
    let text = error.to_string();
    if is_broken(error) {
        return FetchError::Connect(format!("it broke during the TLS handshake ({text})"));
    }
    let speaks_tls = match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        )) => false,
        Some(_) => true,
        None => error.kind() != io::ErrorKind::InvalidData,
    };
    if speaks_tls {
        FetchError::Tls(text)
    } else {
        FetchError::NotTls(text)
    }
}

/// Whether a connection ended in the middle, as those of a server do that is killed: that says nothing about who was there.
fn is_broken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}

/// Why there was no whole answer over HTTP.
fn broken_off(error: hyper::Error) -> FetchError {
    let source = error.source().and_then(|source| source.downcast_ref());
    match source {
        Some(source) if is_broken(source) => {
            FetchError::Connect(format!("it broke during the exchange ({source})"))
        }
        _ => FetchError::Protocol(error.to_string()),
    }
}

async fn exchange(
    stream: TlsStream<tokio::net::TcpStream>,
    target: &Target,
) -> Result<http::Response<Incoming>, FetchError> {
    let request = Request::get(&target.path_and_query)
        .header(header::HOST, target.place.to_string())
        .header(header::ACCEPT, "application/json")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(
            header::USER_AGENT,
            concat!("slipway/", env!("CARGO_PKG_VERSION")),
        )
        .body(Empty::<Bytes>::new())
        .map_err(|error| FetchError::Protocol(error.to_string()))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken_off)?;
    // The connection ends with the body, which this call reads to its end or drops.
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(broken_off)
}

async fn read(mut body: Incoming, most: usize) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(broken_off)?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if bytes.len() + data.len() > most {
            return Err(FetchError::TooLarge);
        }
        bytes.extend_from_slice(data);
    }
    Ok(bytes)
}

fn media_type(answer: &http::Response<Incoming>) -> String {
    answer
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase())
        .unwrap_or_default()
}

static TLS: LazyLock<Result<Arc<ClientConfig>, rustls::Error>> = LazyLock::new(|| {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Nothing of one call is left for the next.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
});

/// Accepts any certificate; the server still has to hold the key of the one that it shows.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
