//! The service on a socket: over TLS, bounded in connections and time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
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

/// The service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No key for decoys could be made.
    #[error("the discovery service cannot start: the system's source of randomness failed")]
    Randomness,
}

/// Serves until `shutdown`. Answers are signed and hold no secret; without TLS everybody on the way would see who asks for which
/// token's ID.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Arc<ServerConfig>,
    shutdown: CancellationToken,
) {
    let acceptor = TlsAcceptor::from(tls);
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
        let (acceptor, shutdown) = (acceptor.clone(), shutdown.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                _ = tokio::time::timeout(CONNECTION, connection(tcp, acceptor, router, place)) => {}
            }
        });
    }
}

async fn connection(
    tcp: TcpStream,
    acceptor: TlsAcceptor,
    router: Router,
    _place: OwnedSemaphorePermit,
) {
    let handshake = tokio::time::timeout(HANDSHAKE, acceptor.accept(tcp));
    let Ok(Ok(stream)) = handshake.await else {
        return;
    };
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
