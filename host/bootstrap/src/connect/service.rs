//! HTTP over our connections, as the tower service that `kube::Client` takes.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Limited, combinators::UnsyncBoxBody};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::client::Body;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tower::retry::Retry;
use tower::util::MapErr;
use tower::{BoxError, Service, ServiceExt as _};

use super::busy::ComeBackLater;
use super::dial::{Dial, first_of};
use super::failure::{NoConnection, RequestFailure};

/// Time in which a server has to answer with a status, however often it asks to come back. The longest that an API server
/// itself takes is 60 s.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(65);

/// No answer of a bootstrap is anywhere near this; a list of 10,000 requests is.
const LARGEST_BODY: usize = 64 << 20;

/// Sends requests to a cluster's API servers with one identity. Clones share their connections.
#[derive(Clone)]
pub(super) struct ApiService {
    client: Retry<ComeBackLater, Http>,
    authority: http::uri::Authority,
    authorization: Option<HeaderValue>,
}

/// HTTP over pooled connections.
type Http = MapErr<Client<Connector, Body>, fn(hyper_util::client::legacy::Error) -> BoxError>;

impl ApiService {
    /// `authority` is what `Host` says.
    pub(super) fn new(dials: Vec<Dial>, authority: http::uri::Authority) -> Self {
        let connector = Connector {
            dials: dials.into(),
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(2)
            .build(connector);
        let http: Http = MapErr::new(client, BoxError::from);
        Self {
            client: Retry::new(ComeBackLater::default(), http),
            authority,
            authorization: None,
        }
    }

    /// The same; `authorization` goes with every request.
    pub(super) fn with_authorization(self, authorization: Option<HeaderValue>) -> Self {
        Self {
            authorization,
            ..self
        }
    }

    /// Says whom a request is for, and who asks.
    fn address(&self, request: &mut Request<Body>) -> Result<(), http::uri::InvalidUriParts> {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.scheme = Some(http::uri::Scheme::HTTPS);
        parts.authority = Some(self.authority.clone());
        *request.uri_mut() = http::Uri::from_parts(parts)?;
        if let Some(authorization) = &self.authorization {
            let headers = request.headers_mut();
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        Ok(())
    }
}

impl Service<Request<Body>> for ApiService {
    type Response = Response<UnsyncBoxBody<Bytes, BoxError>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Err(error) = self.address(&mut request) {
            return Box::pin(std::future::ready(Err(error.into())));
        }
        let answer = self.client.clone().oneshot(request).boxed();
        Box::pin(async move {
            let response = tokio::time::timeout(RESPONSE_TIMEOUT, answer)
                .await
                .map_err(|_| RequestFailure::TimedOut(RESPONSE_TIMEOUT))??;
            Ok(response.map(|body| Limited::new(body, LARGEST_BODY).boxed_unsync()))
        })
    }
}

#[derive(Clone)]
struct Connector {
    dials: Arc<[Dial]>,
}

impl Service<http::Uri> for Connector {
    type Response = ApiStream;
    type Error = NoConnection;
    type Future = Pin<Box<dyn Future<Output = Result<ApiStream, NoConnection>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), NoConnection>> {
        Poll::Ready(Ok(()))
    }

    /// The URI only says whom the request is for; where that is, and how it proves itself, was settled before.
    fn call(&mut self, _uri: http::Uri) -> Self::Future {
        let dials = self.dials.clone();
        Box::pin(async move { Ok(ApiStream(TokioIo::new(first_of(&dials).await?))) })
    }
}

/// A verified connection.
struct ApiStream(TokioIo<TlsStream<TcpStream>>);

impl Connection for ApiStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for ApiStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl Write for ApiStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
