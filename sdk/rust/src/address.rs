//! Host and port, as locations name them.

use std::fmt;
use std::net::Ipv6Addr;

use thiserror::Error;

/// A host name or an IP address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// A host name or an IP address, without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl HostPort {
    /// Reads `name:port`, `10.0.0.1:port`, `[2001:db8::1]:port`; the port may be left out.
    ///
    /// # Errors
    /// It is none of these.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, InvalidAddress> {
        let invalid = || InvalidAddress(text.to_owned());
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']').ok_or_else(invalid)?;
                address.parse::<Ipv6Addr>().map_err(|_| invalid())?;
                let port = match rest {
                    "" => None,
                    rest => Some(rest.strip_prefix(':').ok_or_else(invalid)?),
                };
                (address, port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let is_host_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if host.is_empty() || !(text.starts_with('[') || host.bytes().all(is_host_name)) {
            return Err(invalid());
        }
        let port = match port {
            None => default_port,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(invalid)?,
            Some(_) => return Err(invalid()),
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

/// As in a URL: an IPv6 address in brackets.
impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// It is not a host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is not a host name or IP address with an optional port, as in 10.0.0.1:6443 or [2001:db8::1]:6443"
)]
pub struct InvalidAddress(String);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "\\[?[a-z0-9.:-]{0,20}\\]?(:[0-9]{1,5})?") {
            if let Ok(address) = HostPort::parse(&text, 6443) {
                prop_assert_eq!(HostPort::parse(&address.to_string(), 1), Ok(address));
            }
        }
    }

    #[test]
    fn addresses_are_read_and_written() {
        for (text, host, port, written) in [
            ("a.example", "a.example", 6443, "a.example:6443"),
            ("10.0.0.1:443", "10.0.0.1", 443, "10.0.0.1:443"),
            ("[2001:db8::1]", "2001:db8::1", 6443, "[2001:db8::1]:6443"),
            ("[::1]:7", "::1", 7, "[::1]:7"),
        ] {
            let address = HostPort::parse(text, 6443).unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port));
            assert_eq!(address.to_string(), written);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "", ":6443", "a:", "a:0", "a:65536", "a:+1", "a:b", "::1", "[::1", "[::1]x", "[a]:1",
            "a b:1", "a/b", "u@a",
        ] {
            let error = HostPort::parse(text, 6443).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("{text:?} is not a host"))
            );
        }
    }
}
