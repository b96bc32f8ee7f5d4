//! One TLS connection to whichever API server answers first and proves itself.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use slipway_config::endpoint::HostPort;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::failure::{ConnectFailure, NoConnection, from_handshake, from_tcp};

const TCP_TIMEOUT: Duration = Duration::from_secs(10);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A slow address delays the next one by this much; a failed one not at all. RFC 8305 recommends 250 ms.
const HEAD_START: Duration = Duration::from_millis(250);

/// An address with what is needed to verify who answers there.
#[derive(Clone, Debug)]
pub(super) struct Dial {
    pub(super) address: HostPort,
    /// Sent as SNI.
    pub(super) server_name: ServerName<'static>,
    pub(super) tls: Arc<ClientConfig>,
}

/// Tries the addresses in their order, each with a head start over the next, and keeps the first connection that is
/// up and verified.
pub(super) async fn first_of(dials: &[Dial]) -> Result<TlsStream<TcpStream>, NoConnection> {
    let mut running = FuturesUnordered::new();
    let mut waiting = dials.iter();
    let mut attempts = Vec::new();
    loop {
        if let Some(next) = waiting.next() {
            running.push(async move { (next, one(next).await) });
        }
        let more = waiting.len() > 0;
        let finished = tokio::select! {
            finished = running.next() => finished,
            () = tokio::time::sleep(HEAD_START), if more => continue,
        };
        match finished {
            Some((_, Ok(stream))) => return Ok(stream),
            Some((dial, Err(failure))) => attempts.push((dial.address.clone(), failure)),
            None if !more => return Err(NoConnection { attempts }),
            None => {}
        }
        if !more && running.is_empty() {
            return Err(NoConnection { attempts });
        }
    }
}

async fn one(dial: &Dial) -> Result<TlsStream<TcpStream>, ConnectFailure> {
    let tcp = open_tcp(&dial.address.host().to_unbracketed(), dial.address.port()).await?;
    let handshake = TlsConnector::from(dial.tls.clone()).connect(dial.server_name.clone(), tcp);
    tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake)
        .await
        .map_err(|_| ConnectFailure::Timeout {
            stage: "TLS handshake",
            after: HANDSHAKE_TIMEOUT,
        })?
        .map_err(|error| from_handshake(&error))
}

/// A TCP connection to the first address of a name that takes one.
pub(crate) async fn open_tcp(host: &str, port: u16) -> Result<TcpStream, ConnectFailure> {
    tokio::time::timeout(TCP_TIMEOUT, resolve_and_connect(host, port))
        .await
        .map_err(|_| ConnectFailure::Timeout {
            stage: "connection attempt",
            after: TCP_TIMEOUT,
        })?
}

async fn resolve_and_connect(host: &str, port: u16) -> Result<TcpStream, ConnectFailure> {
    let no_address = |reason: String| ConnectFailure::Dns {
        host: host.to_owned(),
        reason,
    };
    let resolved: Vec<_> = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| no_address(error.to_string()))?
        .collect();
    let mut failure = no_address("it has no address".to_owned());
    for socket in resolved {
        match TcpStream::connect(socket).await {
            Ok(stream) => {
                // Requests are small and each is waited for.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => failure = from_tcp(&error),
        }
    }
    Err(failure)
}
