//! Serving over the network: TLS with optional client certificates, HTTP/1.1 and HTTP/2, bounded
//! connections, graceful shutdown.

mod limits;
mod tls;

pub use limits::ConnectionLimits;
pub use tls::{TlsError, TlsIdentity};

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt as _};

use self::limits::{Admission, Place};
use self::tls::HTTP_2;

/// Where a request comes from; an extension of every request that came over the network.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The address at the other end of the connection.
    pub address: SocketAddr,
    /// The client's certificate, verified against the client CA.
    pub certificate: Option<CertificateDer<'static>>,
}

/// Why the server cannot listen or serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Something else listens there.
    #[error("cannot listen on {address}: another program already does")]
    AddressInUse {
        /// The wanted address.
        address: SocketAddr,
    },
    /// A port below 1024, as a rule, needs a privilege.
    #[error("cannot listen on {address}: this user has no permission to")]
    PermissionDenied {
        /// The wanted address.
        address: SocketAddr,
    },
    /// The address belongs to no interface of this machine.
    #[error("cannot listen on {address}: this machine has no such address")]
    AddressNotAvailable {
        /// The wanted address.
        address: SocketAddr,
    },
    /// Any other failure.
    #[error("cannot listen on {address}")]
    Listen {
        /// The wanted address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The TLS identity cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Listens on an address; port 0 takes a free one.
///
/// # Errors
/// When the port is in use, needs a privilege, or the address is not this machine's.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ServeError::AddressInUse { address },
            io::ErrorKind::PermissionDenied => ServeError::PermissionDenied { address },
            io::ErrorKind::AddrNotAvailable => ServeError::AddressNotAvailable { address },
            _ => ServeError::Listen { address, source },
        })
}

/// Serves until `shutdown`; then lets requests finish within the limits' grace and returns.
///
/// # Errors
/// When the TLS identity cannot be used. Connections fail one by one and are logged.
pub(crate) async fn serve<S, B>(
    service: S,
    listener: TcpListener,
    identity: TlsIdentity,
    limits: ConnectionLimits,
    shutdown: CancellationToken,
) -> Result<(), ServeError>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = std::convert::Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let acceptor = TlsAcceptor::from(Arc::new(identity.into_config()?));
    let protocol = protocol(&limits);
    let admission = Admission::new(limits);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let (stream, address) = tokio::select! {
            () = shutdown.cancelled() => break,
            // Reaps what has ended, so that the set does not grow.
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Usually a lack of file descriptors, which passes as connections end.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let Some(place) = admission.admit(address.ip()) else {
            tracing::debug!(%address, "too many connections: one is closed at once");
            continue;
        };
        // Answers go out at once: Nagle's algorithm and the client's delayed acknowledgement would hold each back for 40 ms. A
        // connection that cannot do that is only slower.
        let _ = stream.set_nodelay(true);
        let connection = Connection {
            acceptor: acceptor.clone(),
            protocol: protocol.clone(),
            limits,
            watcher: graceful.watcher(),
        };
        connections.spawn(connection.run(stream, address, place, service.clone()));
    }
    drop(listener);
    if tokio::time::timeout(limits.grace, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::info!("connections were still open at the end of the grace period: closed");
    }
    connections.shutdown().await;
    Ok(())
}

fn protocol(limits: &ConnectionLimits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(250)
        .max_header_list_size(64 * 1024)
        .keep_alive_interval(limits.head)
        .keep_alive_timeout(limits.head);
    builder
}

/// What one connection needs of the server.
struct Connection {
    acceptor: TlsAcceptor,
    protocol: auto::Builder<TokioExecutor>,
    limits: ConnectionLimits,
    watcher: hyper_util::server::graceful::Watcher,
}

impl Connection {
    async fn run<S, B>(self, stream: TcpStream, address: SocketAddr, place: Place, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = std::convert::Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let handshake = self.acceptor.accept(stream);
        let stream = match tokio::time::timeout(self.limits.handshake, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%address, %error, "TLS handshake failed");
                return;
            }
            Err(_) => {
                tracing::debug!(%address, "TLS handshake took too long");
                return;
            }
        };
        let session = stream.get_ref().1;
        // The handshake names the protocol. Left to guess it from the first bytes, the builder would
        // wait for them without a limit.
        let protocol = if session.alpn_protocol() == Some(HTTP_2) {
            self.protocol.http2_only()
        } else {
            self.protocol.http1_only()
        };
        let certificate = session
            .peer_certificates()
            .and_then(|chain| chain.first())
            .map(|certificate| certificate.clone().into_owned());
        let peer = Peer {
            address,
            certificate,
        };
        let service = service.map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer.clone());
            request
        });
        let connection = protocol
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .into_owned();
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(%address, error, "connection ended");
        }
        drop(place);
    }
}

#[cfg(test)]
mod tests;
