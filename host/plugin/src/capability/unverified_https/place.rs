//! Which URLs a call may fetch.

use std::fmt;

use http::Uri;

/// The port of an API server where a location names none.
const API_SERVER_PORT: u16 = 6443;
/// The port of HTTPS.
const HTTPS_PORT: u16 = 443;
/// The document that a cluster signs for its tokens.
const CLUSTER_INFO: &str = "/api/v1/namespaces/kube-public/configmaps/cluster-info";
/// The stand-alone discovery service of the 2016 alpha.
const DISCOVERY_SERVICE: &str = "/cluster-info/v1/";

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// A name in lower case, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

/// A URL that discovery may fetch, if its place is one of the call's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) place: Place,
    pub(super) path_and_query: String,
}

impl Place {
    /// The place that a location names: `host`, `host:port`, `https://host[:port]/…`, `[::1]:6443`.
    pub(super) fn of_location(location: &str) -> Option<Self> {
        let (authority, default_port) = match location.split_once("://") {
            Some(("https", rest)) => (rest.split(['/', '?', '#']).next()?, HTTPS_PORT),
            Some(_) => return None,
            None => (location, API_SERVER_PORT),
        };
        // A bare IPv6 address has colons of its own.
        let uri: Uri = match authority.parse::<std::net::Ipv6Addr>() {
            Ok(address) => format!("https://[{address}]/").parse().ok()?,
            Err(_) => format!("https://{authority}/").parse().ok()?,
        };
        Self::of_uri(&uri, default_port)
    }

    fn of_uri(uri: &Uri, default_port: u16) -> Option<Self> {
        let authority = uri.authority()?;
        if authority.as_str().contains('@') {
            return None;
        }
        // A port that is there and cannot be read is none that may be left out.
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if authority.as_str().len() == authority.host().len() => default_port,
            None => return None,
        };
        let host = authority.host();
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let host = match host.parse::<std::net::IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => host.to_ascii_lowercase(),
        };
        (!host.is_empty() && port != 0).then_some(Self { host, port })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

impl Target {
    /// Reads a URL; the error is a sentence.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| format!("{url:?} is not a URL"))?;
        if uri.scheme_str() != Some("https") {
            return Err(format!("{url:?} is not an https URL"));
        }
        let place = Place::of_uri(&uri, HTTPS_PORT)
            .ok_or_else(|| format!("{url:?} names no host and port"))?;
        let allowed = match uri.path() {
            CLUSTER_INFO => uri.query().is_none(),
            DISCOVERY_SERVICE => uri.query().is_none_or(is_token_query),
            _ => false,
        };
        if !allowed {
            return Err(format!(
                "{url:?} is none of the paths of discovery, {CLUSTER_INFO} and {DISCOVERY_SERVICE}?token-id=…"
            ));
        }
        let path_and_query = uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default();
        Ok(Self {
            place,
            path_and_query,
        })
    }
}

fn is_token_query(query: &str) -> bool {
    query.strip_prefix("token-id=").is_some_and(|id| {
        id.len() == 6
            && id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(host: &str, port: u16) -> Option<Place> {
        Some(Place {
            host: host.to_owned(),
            port,
        })
    }

    #[test]
    fn a_location_names_a_place() {
        assert_eq!(Place::of_location("10.0.0.1:6443"), place("10.0.0.1", 6443));
        assert_eq!(Place::of_location("10.0.0.1"), place("10.0.0.1", 6443));
        assert_eq!(Place::of_location("API.Example:7443"), place("api.example", 7443));
        assert_eq!(Place::of_location("https://api.example/x?y"), place("api.example", 443));
        assert_eq!(Place::of_location("https://api.example:6443"), place("api.example", 6443));
        assert_eq!(Place::of_location("[2001:db8::1]:6443"), place("2001:db8::1", 6443));
        assert_eq!(Place::of_location("2001:db8:0::1"), place("2001:db8::1", 6443));
    }

    #[test]
    fn a_location_that_is_no_place_opens_nothing() {
        for location in [
            "", "/etc/kubernetes/x.conf", "http://api.example", "a@b:6443", "api:0", "api:99999", "api:", "a b",
            "https://", ":6443",
        ] {
            assert_eq!(Place::of_location(location), None, "{location:?}");
        }
    }

    #[test]
    fn only_the_paths_of_discovery_are_fetched() {
        let target = Target::parse("https://10.0.0.1:6443/api/v1/namespaces/kube-public/configmaps/cluster-info");
        assert_eq!(target.unwrap().path_and_query, CLUSTER_INFO);
        let target = Target::parse("https://10.0.0.1:9898/cluster-info/v1/?token-id=abc123");
        assert_eq!(target.unwrap().path_and_query, "/cluster-info/v1/?token-id=abc123");
        for url in [
            "https://10.0.0.1:6443/",
            "https://10.0.0.1:6443/api/v1/namespaces/kube-public/configmaps/cluster-info/",
            "https://10.0.0.1:6443/api/v1/namespaces/kube-public/configmaps/cluster-info?watch=true",
            "https://10.0.0.1:6443/api/v1/namespaces/kube-public/configmaps/../secrets",
            "https://10.0.0.1:6443/cluster-info/v1/?token-id=abc123&x=1",
            "https://10.0.0.1:6443/cluster-info/v1/?token-id=abc123.0123456789abcdef",
            "http://10.0.0.1:6443/cluster-info/v1/",
            "https://user@10.0.0.1:6443/cluster-info/v1/",
            "/cluster-info/v1/",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }

    proptest! {
        #[test]
        fn what_is_allowed_names_the_place_that_is_dialled(url in "https://[a-z0-9.:\\[\\]@%/?#-]{0,40}/cluster-info/v1/") {
            if let Ok(target) = Target::parse(&url) {
                prop_assert!(!target.place.host.contains(['@', '/', '?', '#', '[', ']']), "{:?}", target);
            }
        }
    }
}
