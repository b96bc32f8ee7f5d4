//! The service on a socket: TLS or not, bounded in connections and time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use slipway_config::posture::{PostureEntry, PostureId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Caller;

const CONNECTIONS: usize = 512;
const HANDSHAKE: Duration = Duration::from_secs(5);
const HEAD: Duration = Duration::from_secs(5);

/// An answer comes within milliseconds; who keeps a connection for longer does so for another purpose.
const CONNECTION: Duration = Duration::from_secs(60);

/// How the service is reached.
#[derive(Clone)]
pub enum Transport {
    /// Over TLS.
    Tls(Arc<ServerConfig>),
    /// In clear: answers are signed and hold no secret, but everybody on the way sees who asks for which token's ID.
    Plain,
}

impl Transport {
    /// What the transport costs, if anything.
    pub fn posture(&self) -> Option<PostureEntry> {
        match self {
            Self::Tls(_) => None,
            Self::Plain => Some(PostureId::DiscoveryWithoutTls.entry()),
        }
    }
}

/// The service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No key for decoys could be made.
    #[error("the discovery service cannot start: the system's source of randomness failed")]
    Randomness,
}

/// Serves until `shutdown`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    transport: Transport,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted: io::Result<_> = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (tcp, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Usually a lack of file descriptors, which passes as connections end.
                tracing::warn!(%error, "the discovery service cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            continue;
        };
        // The answer goes out at once, whatever the client acknowledges. Where that cannot be, it is only slower.
        let _ = tcp.set_nodelay(true);
        let router = router.clone().layer(Extension(Caller(address.ip())));
        let (transport, shutdown) = (transport.clone(), shutdown.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                _ = tokio::time::timeout(CONNECTION, connection(tcp, transport, router, place)) => {}
            }
        });
    }
}

async fn connection(
    tcp: TcpStream,
    transport: Transport,
    router: Router,
    _place: OwnedSemaphorePermit,
) {
    match transport {
        Transport::Plain => exchange(tcp, router).await,
        Transport::Tls(config) => {
            let handshake = TlsAcceptor::from(config).accept(tcp);
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, handshake).await {
                exchange(stream, router).await;
            }
        }
    }
}

async fn exchange<S>(stream: S, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the discovery service ended early");
    }
}
