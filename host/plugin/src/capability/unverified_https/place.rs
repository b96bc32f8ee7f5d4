//! Which URLs a call may fetch.

use http::Uri;
use slipway_config::endpoint::{DEFAULT_API_SERVER_PORT, HostPort};

/// The port of the stand-alone discovery service.
const DISCOVERY_SERVICE_PORT: u16 = 9898;
/// The port of HTTPS.
const HTTPS_PORT: u16 = 443;
/// The document that a cluster signs for its tokens.
const CLUSTER_INFO: &str = "/api/v1/namespaces/kube-public/configmaps/cluster-info";
/// The stand-alone discovery service of the 2016 alpha.
const DISCOVERY_SERVICE: &str = "/cluster-info/v1/";

/// A URL that discovery may fetch, if its place is one of the call's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) place: HostPort,
    pub(super) path_and_query: String,
}

/// The place that a location names: `host`, `host:port`, `[::1]:6443`, `https://host[:port]/…`,
/// `discovery://host[:port]`.
pub(super) fn of_location(location: &str) -> Option<HostPort> {
    let (rest, default_port) = match location.split_once("://") {
        Some(("https", rest)) => (rest, HTTPS_PORT),
        Some(("discovery", rest)) => (rest, DISCOVERY_SERVICE_PORT),
        Some(_) => return None,
        None if location.starts_with('/') => return None,
        None => (location, DEFAULT_API_SERVER_PORT),
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    HostPort::parse_with_default(authority, default_port).ok()
}

impl Target {
    /// Reads a URL; the error is a sentence.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| format!("{url:?} is not a URL"))?;
        if uri.scheme_str() != Some("https") {
            return Err(format!("{url:?} is not an https URL"));
        }
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let place = HostPort::parse_with_default(authority, HTTPS_PORT)
            .map_err(|error| format!("{url:?} names no host and port: {error}"))?;
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
    use super::*;

    fn place(host: &str, port: u16) -> Option<HostPort> {
        HostPort::new(host.parse().unwrap(), port)
    }

    #[test]
    fn a_location_names_a_place() {
        assert_eq!(of_location("10.0.0.1:6443"), place("10.0.0.1", 6443));
        assert_eq!(of_location("10.0.0.1:6443/"), place("10.0.0.1", 6443));
        assert_eq!(of_location("discovery://10.0.0.1"), place("10.0.0.1", 9898));
        assert_eq!(of_location("10.0.0.1"), place("10.0.0.1", 6443));
        assert_eq!(of_location("API.Example:7443"), place("api.example", 7443));
        assert_eq!(
            of_location("https://api.example/x?y"),
            place("api.example", 443)
        );
        assert_eq!(
            of_location("https://api.example:6443"),
            place("api.example", 6443)
        );
        assert_eq!(
            of_location("[2001:db8::1]:6443"),
            place("[2001:db8::1]", 6443)
        );
    }

    #[test]
    fn a_location_that_is_no_place_opens_nothing() {
        for location in [
            "",
            "/etc/kubernetes/x.conf",
            "http://api.example",
            "a@b:6443",
            "api:0",
            "api:99999",
            "api:",
            "a b",
            "https://",
            ":6443",
        ] {
            assert_eq!(of_location(location), None, "{location:?}");
        }
    }

    #[test]
    fn only_the_paths_of_discovery_are_fetched() {
        let target = Target::parse(
            "https://10.0.0.1:6443/api/v1/namespaces/kube-public/configmaps/cluster-info",
        );
        assert_eq!(target.unwrap().path_and_query, CLUSTER_INFO);
        let target = Target::parse("https://10.0.0.1:9898/cluster-info/v1/?token-id=abc123");
        assert_eq!(
            target.unwrap().path_and_query,
            "/cluster-info/v1/?token-id=abc123"
        );
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
}
