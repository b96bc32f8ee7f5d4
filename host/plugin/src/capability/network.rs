//! Connections that the host makes for plugins: resolve, check the address, connect, TLS.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rustls::pki_types::{InvalidDnsNameError, ServerName};
use slipway_config::endpoint::{Host, HostPort};
use tokio::net::TcpStream;

use crate::racing::first_success;

/// The longest that one connection attempt takes.
const CONNECT: Duration = Duration::from_secs(5);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("{place} cannot be resolved: {source}")]
    Resolve { place: HostPort, source: io::Error },
    #[error("{place} resolves to {address}, {reason}")]
    Forbidden {
        place: HostPort,
        address: IpAddr,
        reason: &'static str,
    },
    #[error("no connection to {place}: {source}")]
    Connect { place: HostPort, source: io::Error },
}

/// Which addresses a name may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Any: the operator named the host for this very call.
    Any,
    /// Those of other machines: whoever controls the name may have changed since the operator named it.
    Remote,
}

/// Connects to whichever address of `place` answers first.
///
/// # Errors
/// The name has no address, one of its addresses is out of reach, or none answers.
pub(crate) async fn dial(place: &HostPort, reach: Reach) -> Result<TcpStream, DialError> {
    let addresses = resolve(place, reach, tokio::net::lookup_host).await?;
    let connected = first_success(&addresses, |address| connect(*address)).await;
    let stream = connected.map_err(|mut failures| DialError::Connect {
        place: place.clone(),
        source: failures.pop().map_or_else(
            || io::Error::new(io::ErrorKind::NotFound, "the name has no address"),
            |(_, failure)| failure,
        ),
    })?;
    // Requests are small and answered one by one; without it they are slower, and no worse.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    tokio::time::timeout(CONNECT, TcpStream::connect(address))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// The name that a server's certificate has to carry.
///
/// # Errors
/// The host is a name that no certificate can carry.
pub(crate) fn server_name(host: &Host) -> Result<ServerName<'static>, InvalidDnsNameError> {
    match host {
        Host::Ip(address) => Ok(ServerName::from(*address)),
        Host::Name(name) => ServerName::try_from(name.to_string()),
    }
}

/// The addresses of a place, looked up by `lookup` where it is a name.
async fn resolve<A: Iterator<Item = SocketAddr>>(
    place: &HostPort,
    reach: Reach,
    lookup: impl AsyncFnOnce((String, u16)) -> io::Result<A>,
) -> Result<Vec<SocketAddr>, DialError> {
    let name = match place.host() {
        // An address that the operator wrote is what the operator means.
        Host::Ip(address) => return Ok(vec![SocketAddr::new(*address, place.port())]),
        Host::Name(name) => name.as_str(),
    };
    let addresses: Vec<_> = lookup((name.to_owned(), place.port()))
        .await
        .map_err(|source| DialError::Resolve {
            place: place.clone(),
            source,
        })?
        .collect();
    if reach == Reach::Any || name == "localhost" {
        return Ok(addresses);
    }
    for address in &addresses {
        if let Some(reason) = forbidden(address.ip()) {
            return Err(DialError::Forbidden {
                place: place.clone(),
                address: address.ip(),
                reason,
            });
        }
    }
    Ok(addresses)
}

/// Why a name may not stand for this address: whoever controls the name would reach into the host, or what the
/// host alone can reach (a cloud's metadata service is link-local).
fn forbidden(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => forbidden_v4(address),
        IpAddr::V6(address) => forbidden_v6(address),
    }
}

fn forbidden_v4(address: Ipv4Addr) -> Option<&'static str> {
    if address.is_loopback() {
        Some("which is this machine itself; grant the address to mean it")
    } else if address.is_link_local() {
        Some("which is link-local; grant the address to mean it")
    } else if address.is_unspecified()
        || address.is_multicast()
        || address.is_broadcast()
        || address.octets().starts_with(&[0])
    {
        Some("which is no address of a server")
    } else {
        None
    }
}

fn forbidden_v6(address: Ipv6Addr) -> Option<&'static str> {
    if address.is_loopback() {
        Some("which is this machine itself; grant the address to mean it")
    } else if address.is_unicast_link_local() {
        Some("which is link-local; grant the address to mean it")
    } else if address.is_unspecified() || address.is_multicast() {
        Some("which is no address of a server")
    } else if let Some(embedded) = embedded_v4(address) {
        forbidden_v4(embedded)
    } else {
        None
    }
}

/// The IPv4 address that a translator or a tunnel would reach (64:ff9b::/96, 2002::/16).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = address.octets();
    match octets {
        [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]
        | [0x20, 0x02, a, b, c, d, ..] => Some(Ipv4Addr::new(a, b, c, d)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_not_stand_for_what_only_the_host_reaches() {
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(forbidden(address.parse().unwrap()).is_some(), "{address}");
        }
        for address in [
            "10.0.0.1",
            "192.168.1.1",
            "203.0.113.7",
            "fd00::1",
            "2001:db8::1",
        ] {
            assert_eq!(forbidden(address.parse().unwrap()), None, "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let ask = async |place: &str, reach, addresses: &[&str]| {
            let addresses: Vec<SocketAddr> = addresses
                .iter()
                .map(|address| SocketAddr::new(address.parse().unwrap(), 443))
                .collect();
            let place: HostPort = place.parse().unwrap();
            resolve(&place, reach, async |_| Ok(addresses.into_iter()))
                .await
                .map(|found| found.len())
                .map_err(|error| error.to_string())
        };
        let good = ["203.0.113.7", "2001:db8::1"];
        assert_eq!(ask("api.example:443", Reach::Remote, &good).await, Ok(2));
        // One bad address among good ones is enough: which one is dialled is not the operator's choice.
        let rebound = ["203.0.113.7", "169.254.169.254"];
        insta::assert_snapshot!(
            ask("api.example:443", Reach::Remote, &rebound).await.unwrap_err(),
            @"api.example:443 resolves to 169.254.169.254, which is link-local; grant the address to mean it"
        );
        assert_eq!(ask("api.example:443", Reach::Any, &rebound).await, Ok(2));
        let loopback = ["127.0.0.1"];
        assert!(
            ask("api.example:443", Reach::Remote, &loopback)
                .await
                .is_err()
        );
        assert_eq!(ask("localhost:443", Reach::Remote, &loopback).await, Ok(1));
        assert_eq!(ask("169.254.169.254:443", Reach::Remote, &[]).await, Ok(1));
    }

    #[tokio::test]
    async fn an_address_that_the_operator_wrote_is_dialled() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place: HostPort = listener.local_addr().unwrap().to_string().parse().unwrap();
        dial(&place, Reach::Remote).await.unwrap();
        drop(listener);
        let refused = dial(&place, Reach::Remote).await.unwrap_err().to_string();
        assert!(
            refused.starts_with(&format!("no connection to {place}: ")),
            "{refused}"
        );
    }
}
