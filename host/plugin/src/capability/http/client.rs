//! One request over a connection of its own.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::Connection;
use super::rules::Rule;
use crate::capability::network::{self, DialError, Reach};

/// Where the plugin sets no time of its own; the deadline of its call is tighter anyway.
const TIME: Duration = Duration::from_secs(30);

/// Sends `request` to the server of `rule`.
pub(super) async fn send(
    rule: &Rule,
    mut request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<(Response<WasiBody>, Connection), Error> {
    // In the place of whatever the plugin has put there.
    if let Some((name, value)) = rule.credential().await? {
        request.headers_mut().insert(name, value);
    }
    *request.uri_mut() = origin_form(request.uri());
    let connect = options.connect_timeout.unwrap_or(TIME);
    let stream = timeout(connect, connect_to(rule))
        .await
        .map_err(|_| Error::ConnectionTimeout)??;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It has to run while the answer is awaited, and after: it ends with the answer's body.
    let connection = wasmtime_wasi::runtime::spawn(connection);
    let first_byte = options.first_byte_timeout.unwrap_or(TIME);
    let answer = timeout(first_byte, sender.send_request(request))
        .await
        .map_err(|_| Error::ConnectionReadTimeout)??;
    let answer = answer.map(|body| body.map_err(Error::from).boxed_unsync());
    Ok((
        answer,
        Box::new(async move { connection.await.map_err(Error::from) }),
    ))
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn connect_to(rule: &Rule) -> Result<Box<dyn Stream>, Error> {
    let stream = network::dial(&rule.place, Reach::Remote)
        .await
        .map_err(|error| match error {
            DialError::Forbidden { .. } => {
                tracing::warn!("a plugin's request was refused: {error}");
                Error::DestinationIpProhibited
            }
            DialError::Resolve { source, .. } => Error::DnsError {
                rcode: Some(source.to_string()),
                info_code: None,
            },
            DialError::Connect { source, .. } => Error::Connect(source),
        })?;
    if rule.scheme != Scheme::HTTPS {
        return Ok(Box::new(stream));
    }
    let name = network::server_name(rule.place.host()).map_err(|_| Error::HttpRequestUriInvalid)?;
    let tls = TLS.as_ref().map_err(|reason| {
        tracing::warn!("no TLS for plugins: {reason}");
        Error::ConfigurationError
    })?;
    let stream = TlsConnector::from(Arc::clone(tls))
        .connect(name, stream)
        .await
        .map_err(Error::Tls)?;
    Ok(Box::new(stream))
}

/// What goes over the wire to a server that is no proxy.
fn origin_form(uri: &Uri) -> Uri {
    let path = uri
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    Uri::from(path)
}

/// TLS with the host's trust roots.
static TLS: LazyLock<Result<Arc<ClientConfig>, String>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("this machine has no trust roots".to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
});
