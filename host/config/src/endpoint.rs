//! Where an API server is: host and port, and the URL of one.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU16;
use std::str::FromStr;

use crate::name::{Dns1123Subdomain, NameError};
use crate::text::{quoted, written_as_string};

/// The port on which an API server listens unless told otherwise.
pub const DEFAULT_API_SERVER_PORT: u16 = 6443;

/// The port of `https` URLs that name none.
const HTTPS_PORT: u16 = 443;

/// A host name or an IP address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A DNS name, in lower case.
    Name(Dns1123Subdomain),
    /// An IP address.
    Ip(IpAddr),
}

/// A host and a TCP port: `api.example:6443`, `10.0.0.1:6443`, `[fd00::1]:6443`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    host: Host,
    port: u16,
}

/// The URL of an API server: `https://host:port`, nothing after it, no credentials in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiServerUrl(HostPort);

/// Why a text is no endpoint. The text of a URL is not repeated where it may hold credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// There is nothing in it.
    #[error("an endpoint is empty; expected host:port")]
    Empty,
    /// The host is no host name.
    #[error("{host} is neither an IP address nor a host name: {source}")]
    Host {
        /// The host, quoted and cut.
        host: String,
        /// What is wrong with it as a name.
        source: NameError,
    },
    /// The host looks like an IPv4 address, and is none.
    #[error("{host} is not an IPv4 address; expected four numbers from 0 to 255, or a host name")]
    Ipv4 {
        /// The host, quoted and cut.
        host: String,
    },
    /// What stands in brackets is no IPv6 address.
    #[error(
        "{host} is not an IPv6 address; expected one in brackets, without a zone, such as [fd00::1]"
    )]
    Ipv6 {
        /// The host, quoted and cut.
        host: String,
    },
    /// An IPv6 address has no brackets, so that its port cannot be told from it.
    #[error("the IPv6 address {host} has no brackets; expected [address]:port")]
    Brackets {
        /// The address, quoted and cut.
        host: String,
    },
    /// There is no port.
    #[error("{endpoint} has no port; expected host:port, such as {endpoint_with_port}")]
    NoPort {
        /// The text, quoted and cut.
        endpoint: String,
        /// The same with the usual port.
        endpoint_with_port: String,
    },
    /// The port is no port.
    #[error("{port} is not a port; expected a number from 1 to 65535")]
    Port {
        /// The port, quoted and cut.
        port: String,
    },
    /// The URL's scheme is not `https`.
    #[error("the API server's URL begins with {scheme}; expected https://host:port")]
    Scheme {
        /// The scheme, quoted and cut; the beginning of the text where there is none.
        scheme: String,
    },
    /// The URL has credentials in it.
    #[error("the API server's URL has credentials in it; expected https://host:port")]
    Credentials,
    /// Something follows the port.
    #[error(
        "the API server's URL has a path, a query or a fragment; expected https://host:port and nothing after it"
    )]
    Path,
}

impl Host {
    /// Reads a host as certificates have it: an IPv6 address may be without brackets.
    ///
    /// # Errors
    /// When `text` is neither an IP address nor a host name.
    pub fn from_unbracketed(text: &str) -> Result<Self, EndpointError> {
        match text.parse::<Ipv6Addr>() {
            Ok(address) => Ok(Self::Ip(address.into())),
            Err(_) => text.parse(),
        }
    }

    /// The one form in which two hosts can be compared: an IPv4 address written as IPv6 is the IPv4 address.
    #[must_use]
    pub fn canonical(self) -> Self {
        match self {
            Self::Name(name) => Self::Name(name),
            Self::Ip(address) => Self::Ip(address.to_canonical()),
        }
    }

    /// The host as a certificate and a dialler take it: an IPv6 address without brackets.
    pub fn to_unbracketed(&self) -> String {
        match self {
            Self::Name(name) => name.to_string(),
            Self::Ip(address) => address.to_string(),
        }
    }
}

impl HostPort {
    /// A host and a port; none where the port is 0.
    pub fn new(host: Host, port: u16) -> Option<Self> {
        (port != 0).then_some(Self { host, port })
    }

    /// A host and a port that cannot be 0.
    pub(crate) fn with_port(host: Host, port: NonZeroU16) -> Self {
        Self {
            host,
            port: port.get(),
        }
    }

    /// Reads `host:port` or `host`, which then has the port `default_port`.
    ///
    /// # Errors
    /// When `text` is neither.
    pub fn parse_with_default(text: &str, default_port: u16) -> Result<Self, EndpointError> {
        let (host, port) = split(text)?;
        let host = host.parse()?;
        let port = port.map_or(Ok(default_port), parse_port)?;
        Ok(Self { host, port })
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, never 0.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl ApiServerUrl {
    /// The host and the port.
    pub fn host_port(&self) -> &HostPort {
        &self.0
    }
}

impl From<HostPort> for ApiServerUrl {
    fn from(host_port: HostPort) -> Self {
        Self(host_port)
    }
}

impl FromStr for Host {
    type Err = EndpointError;

    /// Reads a host name in either case, an IPv4 address, or an IPv6 address in brackets.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if text.is_empty() {
            return Err(EndpointError::Empty);
        }
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner
                .strip_suffix(']')
                .and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            return match address {
                Some(address) => Ok(Self::Ip(address.into())),
                None => Err(EndpointError::Ipv6 { host: quoted(text) }),
            };
        }
        match text.parse::<IpAddr>() {
            Ok(address @ IpAddr::V4(_)) => return Ok(Self::Ip(address)),
            Ok(IpAddr::V6(_)) => return Err(EndpointError::Brackets { host: quoted(text) }),
            Err(_) => {}
        }
        // As in URLs: a name whose last label is a number is a mistyped IPv4 address.
        let is_number =
            |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit());
        if text.rsplit('.').next().is_some_and(is_number) {
            return Err(EndpointError::Ipv4 { host: quoted(text) });
        }
        match text.to_ascii_lowercase().parse() {
            Ok(name) => Ok(Self::Name(name)),
            Err(source) => Err(EndpointError::Host {
                host: quoted(text),
                source,
            }),
        }
    }
}

impl FromStr for HostPort {
    type Err = EndpointError;

    /// Reads `host:port`; the port must be there.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let (host, port) = split(text)?;
        let host: Host = host.parse()?;
        match port {
            Some(port) => Ok(Self {
                host,
                port: parse_port(port)?,
            }),
            None => Err(EndpointError::NoPort {
                endpoint: quoted(text),
                endpoint_with_port: quoted(&format!("{host}:{DEFAULT_API_SERVER_PORT}")),
            }),
        }
    }
}

impl FromStr for ApiServerUrl {
    type Err = EndpointError;

    /// Reads `https://host[:port]`, with or without a slash at the end; without a port it is 443, as for any URL.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if text.is_empty() {
            return Err(EndpointError::Empty);
        }
        let authority = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => {
                rest.strip_suffix('/').unwrap_or(rest)
            }
            Some((scheme, _)) => {
                return Err(EndpointError::Scheme {
                    scheme: quoted(&format!("{scheme}://")),
                });
            }
            None => {
                return Err(EndpointError::Scheme {
                    scheme: quoted(text.split(['@', '/']).next().unwrap_or_default()),
                });
            }
        };
        if authority.contains('@') {
            return Err(EndpointError::Credentials);
        }
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(EndpointError::Path);
        }
        HostPort::parse_with_default(authority, HTTPS_PORT).map(Self)
    }
}

/// Parts the port from the host. An IPv6 address keeps its brackets.
fn split(text: &str) -> Result<(&str, Option<&str>), EndpointError> {
    let after_host = if text.starts_with('[') {
        text.find(']').unwrap_or(0)
    } else {
        0
    };
    match text
        .get(after_host..)
        .and_then(|tail| tail.find(':'))
        .and_then(|colon| text.split_at_checked(after_host + colon))
    {
        Some((host, port))
            if !text.starts_with('[') && port.get(1..).is_some_and(|port| port.contains(':')) =>
        {
            Err(EndpointError::Brackets {
                host: quoted(if host.is_empty() { port } else { text }),
            })
        }
        Some((host, port)) => Ok((host, port.get(1..))),
        None => Ok((text, None)),
    }
}

fn parse_port(text: &str) -> Result<u16, EndpointError> {
    let digits_only = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits_only && port != 0 => Ok(port),
        _ => Err(EndpointError::Port { port: quoted(text) }),
    }
}

impl fmt::Display for Host {
    /// An IPv6 address has brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Ip(IpAddr::V4(address)) => address.fmt(f),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for ApiServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.0)
    }
}

written_as_string!(
    Host,
    r"^(\[[0-9a-fA-F:.]+\]|[-.0-9a-zA-Z]+)$",
    "a host name or an IP address, IPv6 in brackets"
);
written_as_string!(
    HostPort,
    r"^(\[[0-9a-fA-F:.]+\]|[-.0-9a-zA-Z]+):[0-9]{1,5}$",
    "a host and a port, such as 10.0.0.1:6443"
);
written_as_string!(
    ApiServerUrl,
    r"^[hH][tT][tT][pP][sS]://(\[[0-9a-fA-F:.]+\]|[-.0-9a-zA-Z]+)(:[0-9]{1,5})?/?$",
    "the URL of an API server, https://host:port"
);

#[cfg(test)]
mod tests;
