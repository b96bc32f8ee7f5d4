use proptest::prelude::*;

use super::*;

fn read(text: &str) -> String {
    HostPort::parse_with_default(text, DEFAULT_API_SERVER_PORT)
        .unwrap()
        .to_string()
}

#[test]
fn hosts_are_names_and_addresses_of_both_kinds() {
    assert_eq!(read("API.Example"), "api.example:6443");
    assert_eq!(read("10.0.0.1:443"), "10.0.0.1:443");
    assert_eq!(read("[FD00:0::1]"), "[fd00::1]:6443");
    assert_eq!(read("[fd00::1]:8443"), "[fd00::1]:8443");
}

#[test]
fn urls_are_https_and_nothing_more() {
    let read = |text: &str| text.parse::<ApiServerUrl>().unwrap().to_string();
    assert_eq!(read("https://api.example:6443"), "https://api.example:6443");
    assert_eq!(read("HTTPS://10.0.0.1/"), "https://10.0.0.1:443");
    assert_eq!(read("https://[::1]:6443"), "https://[::1]:6443");
}

#[test]
fn bad_hosts_and_ports_are_refused_with_their_reason() {
    let refused = |text: &str| text.parse::<HostPort>().unwrap_err().to_string();
    insta::assert_snapshot!(refused(""), @"an endpoint is empty; expected host:port");
    insta::assert_snapshot!(refused(":6443"), @"an endpoint is empty; expected host:port");
    insta::assert_snapshot!(refused("api"), @r#""api" has no port; expected host:port, such as "api:6443""#);
    insta::assert_snapshot!(refused("a_b:1"), @r#""a_b" is neither an IP address nor a host name: the name "a_b" has '_' in it; expected lower-case letters, digits, '-' and '.'"#);
    insta::assert_snapshot!(refused("10.0.0.256:1"), @r#""10.0.0.256" is not an IPv4 address; expected four numbers from 0 to 255, or a host name"#);
    insta::assert_snapshot!(refused("[fe80::1%eth0]:1"), @r#""[fe80::1%eth0]" is not an IPv6 address; expected one in brackets, without a zone, such as [fd00::1]"#);
    insta::assert_snapshot!(refused("[::1"), @r#""[" is not an IPv6 address; expected one in brackets, without a zone, such as [fd00::1]"#);
    insta::assert_snapshot!(refused("fd00::1"), @r#"the IPv6 address "fd00::1" has no brackets; expected [address]:port"#);
    insta::assert_snapshot!(refused("api:0"), @r#""0" is not a port; expected a number from 1 to 65535"#);
    insta::assert_snapshot!(refused("api:+1"), @r#""+1" is not a port; expected a number from 1 to 65535"#);
    insta::assert_snapshot!(refused("api:65536"), @r#""65536" is not a port; expected a number from 1 to 65535"#);
}

#[test]
fn bad_urls_are_refused_without_repeating_a_password() {
    let refused = |text: &str| text.parse::<ApiServerUrl>().unwrap_err().to_string();
    insta::assert_snapshot!(refused("http://api:6443"), @r#"the API server's URL begins with "http://"; expected https://host:port"#);
    insta::assert_snapshot!(refused("api:6443/x"), @r#"the API server's URL begins with "api:6443"; expected https://host:port"#);
    insta::assert_snapshot!(refused("https://u:hunter2@api"), @"the API server's URL has credentials in it; expected https://host:port");
    insta::assert_snapshot!(refused("https://api/k8s?x"), @"the API server's URL has a path, a query or a fragment; expected https://host:port and nothing after it");
}

proptest! {
    #[test]
    fn addresses_survive_writing_and_reading(address: std::net::IpAddr, port in 1u16..) {
        let endpoint = HostPort::new(Host::Ip(address), port).unwrap();
        prop_assert_eq!(&endpoint.to_string().parse::<HostPort>().unwrap(), &endpoint);
        let url = ApiServerUrl::from(endpoint);
        prop_assert_eq!(url.to_string().parse::<ApiServerUrl>().unwrap(), url);
    }

    #[test]
    fn whatever_is_accepted_is_read_again_alike(text in r"(https://)?\[?[-a-zA-Z0-9.:@/é]{0,40}\]?(:[0-9]{0,6})?") {
        if let Ok(endpoint) = text.parse::<HostPort>() {
            prop_assert_eq!(endpoint.to_string().parse::<HostPort>().unwrap(), endpoint);
        }
        if let Ok(url) = text.parse::<ApiServerUrl>() {
            prop_assert_eq!(url.to_string().parse::<ApiServerUrl>().unwrap(), url);
        }
    }
}
