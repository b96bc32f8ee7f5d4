//! Where a source comes from. Sources that share a place can be deceived in one go.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use slipway_config::endpoint::{DEFAULT_API_SERVER_PORT, HostPort};

use crate::discovery::Source;
use crate::discovery::source::DISCOVERY_SCHEME;

/// How long it is waited for the addresses of a name: without them, two names of one host count as two.
const LOOKUP: Duration = Duration::from_secs(2);

/// The places that a source comes from: hosts by name and address, files as the file system knows them.
pub(super) async fn places(source: &Source) -> BTreeSet<String> {
    let hosts: Vec<String> = match source {
        Source::Token { locations, .. } => locations.iter().filter_map(|text| host(text)).collect(),
        Source::Https(url) => url.host_str().and_then(host).into_iter().collect(),
        Source::File(path) => {
            // Two links to a file are one file, whatever they are called.
            let place = match fs::metadata(path) {
                Ok(file) => format!("file {}:{}", file.dev(), file.ino()),
                Err(_) => path.display().to_string(),
            };
            return BTreeSet::from([place]);
        }
    };
    let mut places = BTreeSet::new();
    for host in hosts {
        if host.parse::<IpAddr>().is_err() {
            let lookup = tokio::net::lookup_host((host.as_str(), DEFAULT_API_SERVER_PORT));
            if let Ok(Ok(addresses)) = tokio::time::timeout(LOOKUP, lookup).await {
                places.extend(addresses.map(|address| address.ip().to_canonical().to_string()));
            }
        }
        places.insert(host);
    }
    places
}

/// The host of a location, in one form.
fn host(location: &str) -> Option<String> {
    let location = location
        .strip_prefix(DISCOVERY_SCHEME)
        .or_else(|| location.strip_prefix("https://"))
        .unwrap_or(location);
    let host_port =
        HostPort::parse_with_default(location.trim_end_matches('/'), DEFAULT_API_SERVER_PORT)
            .ok()?;
    let host = host_port.host().to_unbracketed();
    Some(match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => host.trim_end_matches('.').to_ascii_lowercase(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_one_place_under_each_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let [file, copy, hard, soft] =
            ["file", "copy", "hard", "soft"].map(|name| folder.path().join(name));
        fs::write(&file, "ca").unwrap();
        fs::copy(&file, &copy).unwrap();
        fs::hard_link(&file, &hard).unwrap();
        std::os::unix::fs::symlink(&file, &soft).unwrap();
        let at = async |path| places(&Source::File(path)).await;
        let place = at(file).await;
        assert_eq!(at(hard).await, place);
        assert_eq!(at(soft).await, place);
        assert!(at(copy).await.is_disjoint(&place));
    }

    #[tokio::test]
    async fn places_are_told_in_one_form() {
        let token = Source::Token {
            locations: [
                "https://10.0.0.1:6443",
                "[::ffff:10.0.0.1]:7",
                "discovery://10.0.0.2:9898",
            ]
            .map(str::to_owned)
            .to_vec(),
            token: "abcdef.0123456789abcdef".parse().unwrap(),
        };
        assert_eq!(
            Vec::from_iter(places(&token).await),
            ["10.0.0.1", "10.0.0.2"]
        );
        let https = Source::Https("https://[2001:db8::1]/x".parse().unwrap());
        assert_eq!(Vec::from_iter(places(&https).await), ["2001:db8::1"]);
        let file = |path: &str| Source::File(path.into());
        assert_eq!(
            places(&file("/tmp/../tmp")).await,
            places(&file("/tmp")).await
        );
    }
}
