//! Where to look.

use std::fmt;

use slipway_sdk::prelude::*;

/// The port of an API server, unless one is given.
const API_SERVER_PORT: u16 = 6443;

/// The port in a URL, unless one is given.
const HTTPS_PORT: u16 = 443;

/// The port of a discovery service, unless one is given.
const DISCOVERY_PORT: u16 = 9898;

/// One of the operator's locations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// `10.0.0.1:6443` or `https://10.0.0.1:6443`.
    ApiServer(HostPort),
    /// `discovery://10.0.0.1:9898`.
    DiscoveryService(HostPort),
}

impl Location {
    pub(crate) fn parse(text: &str) -> Result<Self, DiscoveryError> {
        let address = |text: &str, port| {
            HostPort::parse(text.trim_end_matches('/'), port)
                .map_err(|error| DiscoveryError::InvalidRequest(error.to_string()))
        };
        match text.split_once("://") {
            None => Ok(Self::ApiServer(address(text, API_SERVER_PORT)?)),
            Some(("https", rest)) => Ok(Self::ApiServer(address(rest, HTTPS_PORT)?)),
            Some(("discovery", rest)) => Ok(Self::DiscoveryService(address(rest, DISCOVERY_PORT)?)),
            Some((scheme, _)) => Err(DiscoveryError::InvalidRequest(format!(
                "{text:?} has the scheme {scheme:?}; expected an API server as host:port, \
                 or a discovery service as discovery://host:port"
            ))),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiServer(address) => write!(f, "{address}"),
            Self::DiscoveryService(address) => write!(f, "discovery://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_api_servers_or_discovery_services() {
        for (text, written) in [
            ("10.0.0.1", "10.0.0.1:6443"),
            ("api.example:443", "api.example:443"),
            ("https://api.example/", "api.example:443"),
            ("[2001:db8::1]", "[2001:db8::1]:6443"),
            ("discovery://10.0.0.1", "discovery://10.0.0.1:9898"),
            ("discovery://10.0.0.1:99", "discovery://10.0.0.1:99"),
        ] {
            assert_eq!(Location::parse(text).unwrap().to_string(), written);
        }
    }

    #[test]
    fn other_locations_are_refused() {
        for text in ["", "http://a", "discovery://", "a:b", "https://a/path"] {
            let error = Location::parse(text).unwrap_err();
            assert!(
                matches!(error, DiscoveryError::InvalidRequest(_)),
                "{error}"
            );
        }
    }
}
