//! Fetching the document of an HTTPS discovery. The server is verified against the host's trust roots; what it sends is
//! foreign until something verifies it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use slipway_config::pin::CaPin;
use slipway_pki::ca::CaBundle;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Url};

use super::file::LARGEST_DOCUMENT;
use crate::connect::{ConnectFailure, chain, handshake_failure, open_tcp, peer_pins};

const REDIRECTS: usize = 5;

/// How much a server may take of our time and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// For everything: names, connections, redirects, the body.
    pub time: Duration,
    /// Largest body in bytes.
    pub body: usize,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            body: LARGEST_DOCUMENT,
        }
    }
}

/// A document and who served it.
#[derive(Debug)]
pub struct Fetched {
    /// The document.
    pub body: Vec<u8>,
    /// Pins of the certificates that the last server proved itself with, its own first.
    pub peer_pins: Vec<CaPin>,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Not a URL that may be fetched.
    #[error("cannot fetch {url}: {reason}")]
    BadUrl {
        /// The URL, without credentials.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// This machine's trust roots cannot be had, or those that were given cannot be used.
    #[error("no trust roots to verify {url} with: {reason}")]
    NoRoots {
        /// The URL.
        url: String,
        /// Why.
        reason: String,
    },
    /// No connection.
    #[error("cannot fetch {url}: {source}")]
    Connect {
        /// The URL.
        url: String,
        /// Why.
        #[source]
        source: ConnectFailure,
    },
    /// It took too long.
    #[error("cannot fetch {url}: not complete within {} s", limit.as_secs_f32())]
    Timeout {
        /// The URL.
        url: String,
        /// The limit.
        limit: Duration,
    },
    /// The body is too large.
    #[error("cannot fetch {url}: the answer is larger than {limit} bytes")]
    TooLarge {
        /// The URL.
        url: String,
        /// The limit.
        limit: usize,
    },
    /// Redirected to where we do not go.
    #[error("cannot fetch {url}: it redirects to {to}, {reason}")]
    Redirect {
        /// The URL that redirects.
        url: String,
        /// Where to.
        to: String,
        /// Why not.
        reason: &'static str,
    },
    /// An answer that is not a document.
    #[error("cannot fetch {url}: the server answered {status}")]
    Status {
        /// The URL.
        url: String,
        /// HTTP status.
        status: StatusCode,
    },
    /// An answer that is something else than a kubeconfig, by its own headers.
    #[error("cannot use the answer of {url}: {reason}")]
    NotADocument {
        /// The URL.
        url: String,
        /// What it says it is.
        reason: String,
    },
    /// Not HTTP.
    #[error("cannot fetch {url}: {reason}")]
    Protocol {
        /// The URL.
        url: String,
        /// What went wrong.
        reason: String,
    },
}

impl FetchError {
    /// Whether asking again can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Protocol { .. } => true,
            Self::Connect { source, .. } => !matches!(source, ConnectFailure::Certificate(_)),
            Self::Status { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            _ => false,
        }
    }

    /// Whether somebody answered who is not, or does not behave like, the web server that was meant.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Connect { source, .. } => matches!(source, ConnectFailure::Certificate(_)),
            Self::Redirect { .. } | Self::TooLarge { .. } | Self::NotADocument { .. } => true,
            Self::BadUrl { .. }
            | Self::NoRoots { .. }
            | Self::Timeout { .. }
            | Self::Status { .. }
            | Self::Protocol { .. } => false,
        }
    }
}

/// The trust roots of this machine, and those that the operator added.
pub fn trust_roots(additional: Option<&CaBundle>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    // A distribution's bundle may hold a root that WebPKI cannot use; the others count.
    roots.add_parsable_certificates(native.certs);
    for certificate in additional.into_iter().flat_map(CaBundle::certificates) {
        roots
            .add(certificate.der().to_vec().into())
            .map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        let errors: Vec<String> = native.errors.iter().map(ToString::to_string).collect();
        return Err(format!("this machine has none ({})", errors.join("; ")));
    }
    Ok(roots)
}

/// Fetches a document: HTTPS throughout, never decompressed, bounded in time and size.
pub async fn fetch(
    url: &Url,
    roots: RootCertStore,
    limits: FetchLimits,
) -> Result<Fetched, FetchError> {
    let tls =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| FetchError::NoRoots {
                url: shown(url),
                reason: error.to_string(),
            })?
            .with_root_certificates(roots)
            .with_no_client_auth();
    tokio::time::timeout(limits.time, follow(url.clone(), Arc::new(tls), limits.body))
        .await
        .map_err(|_| FetchError::Timeout {
            url: shown(url),
            limit: limits.time,
        })?
}

async fn follow(
    mut url: Url,
    tls: Arc<ClientConfig>,
    largest: usize,
) -> Result<Fetched, FetchError> {
    for _ in 0..=REDIRECTS {
        let (response, peer_pins) = request(&url, tls.clone()).await?;
        let status = response.status();
        if status.is_redirection() {
            url = redirected(&url, response.headers())?;
            continue;
        }
        if status != StatusCode::OK {
            return Err(FetchError::Status {
                url: shown(&url),
                status,
            });
        }
        check_headers(&url, response.headers(), largest)?;
        let body = read_body(&url, response.into_body(), largest).await?;
        return Ok(Fetched { body, peer_pins });
    }
    Err(FetchError::Redirect {
        url: shown(&url),
        to: "yet another place".to_owned(),
        reason: "once too often",
    })
}

async fn request(
    url: &Url,
    tls: Arc<ClientConfig>,
) -> Result<(http::Response<Incoming>, Vec<CaPin>), FetchError> {
    let bad = |reason: &str| FetchError::BadUrl {
        url: shown(url),
        reason: reason.to_owned(),
    };
    if url.scheme() != "https" {
        return Err(bad("only https can be used"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it holds credentials"));
    }
    let host = match url.host().ok_or_else(|| bad("it names no host"))? {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    let port = url.port_or_known_default().unwrap_or(443);
    let stream = connect(&host, port, tls)
        .await
        .map_err(|source| FetchError::Connect {
            url: shown(url),
            source,
        })?;
    let pins = peer_pins(stream.get_ref().1.peer_certificates().unwrap_or_default());

    let protocol = |error: hyper::Error| FetchError::Protocol {
        url: shown(url),
        reason: chain(&error),
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(protocol)?;
    tokio::spawn(connection);
    let target = url.query().map_or_else(
        || url.path().to_owned(),
        |query| format!("{}?{query}", url.path()),
    );
    let authority = url.authority().to_owned();
    let request = Request::get(target)
        .header(header::HOST, authority)
        .header(
            header::ACCEPT,
            "application/yaml, application/json, text/plain;q=0.5",
        )
        .header(header::ACCEPT_ENCODING, "identity")
        .body(Empty::<Bytes>::new())
        .map_err(|error| bad(&error.to_string()))?;
    Ok((sender.send_request(request).await.map_err(protocol)?, pins))
}

async fn connect(
    host: &str,
    port: u16,
    tls: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, ConnectFailure> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| ConnectFailure::Dns {
        host: host.to_owned(),
        reason: error.to_string(),
    })?;
    let tcp = open_tcp(host, port).await?;
    TlsConnector::from(tls)
        .connect(name, tcp)
        .await
        .map_err(|error| handshake_failure(&error))
}

fn redirected(url: &Url, headers: &HeaderMap) -> Result<Url, FetchError> {
    let protocol = |reason: &str| FetchError::Protocol {
        url: shown(url),
        reason: reason.to_owned(),
    };
    let location = headers
        .get(header::LOCATION)
        .ok_or_else(|| protocol("it redirects to nowhere"))?
        .to_str()
        .map_err(|_| protocol("it redirects to something unreadable"))?;
    let to = url
        .join(location)
        .map_err(|_| protocol("it redirects to something that is not a URL"))?;
    if to.scheme() != "https" {
        return Err(FetchError::Redirect {
            url: shown(url),
            to: shown(&to),
            reason: "which is not https: anybody on the way could answer",
        });
    }
    Ok(to)
}

fn check_headers(url: &Url, headers: &HeaderMap, largest: usize) -> Result<(), FetchError> {
    let refuse = |reason: String| {
        Err(FetchError::NotADocument {
            url: shown(url),
            reason,
        })
    };
    let text = |name: header::HeaderName| {
        headers.get(name).map(|value| {
            String::from_utf8_lossy(value.as_bytes())
                .trim()
                .to_ascii_lowercase()
        })
    };
    if let Some(encoding) = text(header::CONTENT_ENCODING).filter(|encoding| encoding != "identity")
    {
        return refuse(format!(
            "it is encoded as {encoding:?}, and nothing encoded was asked for"
        ));
    }
    let announced = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > u64::try_from(largest).unwrap_or(u64::MAX)) {
        return Err(FetchError::TooLarge {
            url: shown(url),
            limit: largest,
        });
    }
    let Some(content_type) = text(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    const DOCUMENTS: [&str; 8] = [
        "application/yaml",
        "application/x-yaml",
        "application/vnd.yaml",
        "text/yaml",
        "text/x-yaml",
        "application/json",
        "text/plain",
        "application/octet-stream",
    ];
    if DOCUMENTS.contains(&media_type) {
        return Ok(());
    }
    refuse(format!(
        "its content type is {media_type:?}, expected YAML, JSON or plain text"
    ))
}

async fn read_body(url: &Url, mut body: Incoming, largest: usize) -> Result<Vec<u8>, FetchError> {
    let mut contents = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| FetchError::Protocol {
            url: shown(url),
            reason: chain(&error),
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if contents.len().saturating_add(data.len()) > largest {
            return Err(FetchError::TooLarge {
                url: shown(url),
                limit: largest,
            });
        }
        contents.extend_from_slice(&data);
    }
    Ok(contents)
}

/// The URL as it may be shown: credentials and query can be secrets.
pub(super) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    if shown.query().is_some() {
        shown.set_query(Some(".."));
    }
    shown.to_string()
}

#[cfg(test)]
mod tests;
