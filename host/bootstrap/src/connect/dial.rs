//! One TLS connection to whichever API server answers first and proves itself.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use slipway_config::endpoint::HostPort;
use slipway_plugin::racing::first_success;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::failure::{ConnectFailure, NoConnection, from_handshake, from_tcp};

const TCP_TIMEOUT: Duration = Duration::from_secs(10);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

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
    first_success(dials, one)
        .await
        .map_err(|failures| NoConnection {
            attempts: failures
                .into_iter()
                .map(|(dial, failure)| (dial.address.clone(), failure))
                .collect(),
        })
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

/// A TCP connection to whichever address of a name takes one first.
pub(crate) async fn open_tcp(host: &str, port: u16) -> Result<TcpStream, ConnectFailure> {
    let no_address = |reason: String| ConnectFailure::Dns {
        host: host.to_owned(),
        reason,
    };
    let resolved = tokio::time::timeout(TCP_TIMEOUT, tokio::net::lookup_host((host, port)))
        .await
        .map_err(|_| no_address(format!("no answer within {} s", TCP_TIMEOUT.as_secs())))?
        .map_err(|error| no_address(error.to_string()))?;
    let addresses = alternating(resolved.collect());
    let stream = first_success(&addresses, |address| connect(*address))
        .await
        .map_err(|mut failures| match failures.len() {
            0 => no_address("it has no address".to_owned()),
            1 => failures.remove(0).1,
            _ => ConnectFailure::EveryAddress(
                failures
                    .into_iter()
                    .map(|(address, failure)| (address.ip(), failure))
                    .collect(),
            ),
        })?;
    // Requests are small and each is waited for.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

async fn connect(address: SocketAddr) -> Result<TcpStream, ConnectFailure> {
    tokio::time::timeout(TCP_TIMEOUT, TcpStream::connect(address))
        .await
        .map_err(|_| ConnectFailure::Timeout {
            stage: "connection attempt",
            after: TCP_TIMEOUT,
        })?
        .map_err(|error| from_tcp(&error))
}

/// The resolver's order, with the families in turn, so that one that leads nowhere costs one head start (RFC 8305,
/// section 4).
fn alternating(resolved: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = resolved.first().map(SocketAddr::is_ipv6) else {
        return resolved;
    };
    let (mut preferred, mut others): (VecDeque<_>, VecDeque<_>) = resolved
        .into_iter()
        .partition(|address| address.is_ipv6() == first);
    let mut addresses = Vec::new();
    while !(preferred.is_empty() && others.is_empty()) {
        addresses.extend(preferred.pop_front());
        addresses.extend(others.pop_front());
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert_eq!(
            alternating(addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"])),
            addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"])
        );
        assert_eq!(alternating(Vec::new()), []);
    }
}
