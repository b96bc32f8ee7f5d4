//! One request over a connection of its own.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::{Error, RequestOptions};

use super::rules::Rule;
use crate::capability::network::{self, DialError, Reach};

/// Where the plugin sets no time of its own; the deadline of its call is tighter anyway.
const TIME: Duration = Duration::from_secs(30);

/// Sends `request` to the server of `rule`, and takes the whole answer.
pub(super) async fn send(
    rule: &Rule,
    mut request: Request<Full<Bytes>>,
    options: RequestOptions,
    budget: &Budget,
) -> Result<Response<Bytes>, Error> {
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
    // It has to run while the answer is awaited; it ends with the answer, or with this call.
    let _connection = wasmtime_wasi::runtime::spawn(connection);
    let first_byte = options.first_byte_timeout.unwrap_or(TIME);
    let answer = timeout(first_byte, sender.send_request(request))
        .await
        .map_err(|_| Error::ConnectionReadTimeout)??;
    let (head, body) = answer.into_parts();
    let pause = options.between_bytes_timeout.unwrap_or(TIME);
    let body = whole(body, budget, pause).await?;
    Ok(Response::from_parts(head, body))
}

/// What is left of the bytes that the bodies of one call may have, sent and received.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<AtomicUsize>);

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    fn take(&self, bytes: usize) -> Result<(), Error> {
        let rest = |left: usize| left.checked_sub(bytes);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, rest)
            .map(drop)
            .map_err(|_| Error::HttpResponseBodySize(None))
    }
}

/// A body from its beginning to its end.
pub(super) async fn whole<B>(body: B, budget: &Budget, pause: Duration) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes>,
    Error: From<B::Error>,
{
    let mut body = pin!(body);
    let mut bytes = BytesMut::new();
    loop {
        let frame = timeout(pause, body.frame())
            .await
            .map_err(|_| Error::HttpResponseTimeout)?;
        let Some(frame) = frame else {
            return Ok(bytes.freeze());
        };
        if let Ok(data) = frame?.into_data() {
            budget.take(data.len())?;
            bytes.extend_from_slice(&data);
        }
    }
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
