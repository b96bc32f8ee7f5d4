//! Serving certificates: names (attack cases 19 and 20).

use super::*;

fn broken(names: &[(u8, &[u8])]) -> String {
    Case::serving().names(names).broken()
}

fn dns(name: &str) -> String {
    broken(&[(DNS, name.as_bytes())])
}

fn ip(address: &str) -> String {
    match address.parse::<IpAddr>().unwrap() {
        IpAddr::V4(address) => broken(&[(IP, &address.octets())]),
        IpAddr::V6(address) => broken(&[(IP, &address.octets())]),
    }
}

#[test]
fn there_is_at_least_one_name_and_no_other_extension() {
    insta::assert_snapshot!(Case::serving().forged(|forge| forge).broken(), @"serving-names: no subject alternative name is asked for; expected at least one DNS name or IP address");
    insta::assert_snapshot!(broken(&[]), @"serving-names: no subject alternative name is asked for; expected at least one DNS name or IP address");
    let names = extension(SUBJECT_ALT_NAME, &seq(&[tlv(DNS, b"worker-1")]));
    let usage = extension(KEY_USAGE, &[3, 2, 1, 6]);
    let case =
        Case::serving().forged(|forge| forge.attributes(&[extension_request(&[usage, names])]));
    insta::assert_snapshot!(case.broken(), @"serving-extensions: the extension 2.5.29.15 is asked for; expected subject alternative names only");
}

#[test]
fn names_are_dns_names_and_addresses_only() {
    insta::assert_snapshot!(broken(&[(EMAIL, b"a@example")]), @"serving-names: a name of the kind e-mail address is asked for; expected DNS names and IP addresses only");
    insta::assert_snapshot!(broken(&[(DNS, b"worker-1"), (URI, b"spiffe://a/b")]), @"serving-names: a name of the kind URI is asked for; expected DNS names and IP addresses only");
    let other_name = [oid("1.3.6.1.4.1.311.20.2.3"), tlv(0xa0, &tlv(UTF8, b"a@b"))].concat();
    insta::assert_snapshot!(broken(&[(OTHER_NAME, &other_name)]), @"serving-names: a name of the kind otherName is asked for; expected DNS names and IP addresses only");
    insta::assert_snapshot!(broken(&[(DIRECTORY, &name_of(&[rdn(CN, UTF8, b"a")]))]), @"serving-names: a name of the kind directory name is asked for; expected DNS names and IP addresses only");
    assert!(
        broken(&[(REGISTERED_ID, &[0x2a, 3])])
            .starts_with("serving-names: a name of the kind registered ID")
    );
    let many: Vec<(u8, &[u8])> = vec![(DNS, b"worker-1"); 65];
    insta::assert_snapshot!(broken(&many), @"serving-names: 65 names are asked for; expected at most 64");
    Case::serving().names(&many[1..]).passes();
}

#[test]
fn a_dns_name_is_a_host_name_to_everybody() {
    insta::assert_snapshot!(dns("*.example"), @r#"serving-names: the DNS name "*.example" is a wildcard"#);
    insta::assert_snapshot!(dns("10.0.0.2"), @r#"serving-names: the DNS name "10.0.0.2" could be taken for an IP address"#);
    insta::assert_snapshot!(dns("localhost"), @r#"serving-names: the DNS name "localhost" is a loopback name"#);
    for name in [
        "",
        "*",
        "a*",
        "127.1",
        "2130706433",
        "0x7f000001",
        "a.localhost",
        "Worker-1",
        "worker-1.",
        "a..b",
        "a_b",
        "a b",
        "a\0.example",
        "-a",
        "a:443",
        "a/b",
        "[::1]",
    ] {
        assert!(dns(name).starts_with("serving-names"), "{name:?}");
    }
    assert!(dns(&"a".repeat(64)).starts_with("serving-names"));
    assert!(dns(&"a.".repeat(150)).starts_with("serving-names"));
    for not_ia5 in [&[0xff, 0xfe][..], "é.example".as_bytes()] {
        assert!(broken(&[(DNS, not_ia5)]).starts_with("request-well-formed"));
    }
    let longest = "a".repeat(63);
    for name in ["node7", "a.b-c.example", "x.1a", &longest] {
        Case::serving().names(&[(DNS, name.as_bytes())]).passes();
    }
}

#[test]
fn an_address_is_one_that_a_node_is_reached_at() {
    insta::assert_snapshot!(ip("127.0.0.1"), @"serving-names: the IP address 127.0.0.1 is loopback");
    insta::assert_snapshot!(ip("169.254.169.254"), @"serving-names: the IP address 169.254.169.254 is link-local");
    insta::assert_snapshot!(ip("224.0.0.1"), @"serving-names: the IP address 224.0.0.1 is multicast");
    insta::assert_snapshot!(ip("0.0.0.0"), @"serving-names: the IP address 0.0.0.0 is unspecified");
    insta::assert_snapshot!(ip("255.255.255.255"), @"serving-names: the IP address 255.255.255.255 is reserved or broadcast");
    insta::assert_snapshot!(ip("::ffff:10.0.0.7"), @"serving-names: the IP address ::ffff:10.0.0.7 is an IPv4 address written as IPv6");
    insta::assert_snapshot!(ip("::"), @"serving-names: the IP address :: is unspecified");
    insta::assert_snapshot!(ip("::1"), @"serving-names: the IP address ::1 is loopback");
    for address in [
        "127.9.9.9",
        "0.1.2.3",
        "239.1.1.1",
        "240.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "febf::1",
        "ff02::1",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "::ffff:127.0.0.1",
    ] {
        assert!(ip(address).starts_with("serving-names"), "{address}");
    }
    for octets in [
        &[][..],
        &[10],
        &[10, 0, 0],
        &[10, 0, 0, 0, 7],
        &[10, 0, 0, 0, 255, 0, 0, 0],
        &[0; 17],
    ] {
        assert!(
            broken(&[(IP, octets)]).contains("expected 4 or 16"),
            "{octets:?}"
        );
    }
    Case::serving().names(&[(IP, &[192, 0, 2, 1])]).passes();
    Case::serving()
        .names(&[(
            IP,
            &"2001:db8::1"
                .parse::<std::net::Ipv6Addr>()
                .unwrap()
                .octets(),
        )])
        .passes();
}

#[test]
fn the_api_servers_names_and_addresses_are_its_own() {
    insta::assert_snapshot!(dns("api.example"), @"not-the-api-server: api.example is the API server's");
    insta::assert_snapshot!(ip("10.0.0.1"), @"not-the-api-server: 10.0.0.1 is the API server's");
    insta::assert_snapshot!(ip("10.96.0.1"), @"not-the-api-server: 10.96.0.1 is the API server's");
    for name in [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "kubernetes.default.svc.other",
    ] {
        assert!(dns(name).starts_with("not-the-api-server"), "{name}");
    }
    let mut case = Case::serving().names(&[(DNS, b"api.other")]);
    case.cluster
        .api_server
        .dns_names
        .push("API.Other.".to_owned());
    assert!(case.broken().starts_with("not-the-api-server"));
}

#[test]
fn another_nodes_names_and_addresses_are_its_own() {
    insta::assert_snapshot!(dns("worker-2"), @"not-another-node: worker-2 belongs to the node worker-2");
    insta::assert_snapshot!(dns("worker-2.example"), @"not-another-node: worker-2.example belongs to the node worker-2");
    insta::assert_snapshot!(ip("10.0.0.2"), @"not-another-node: 10.0.0.2 belongs to the node worker-2");
    assert!(ip("fd00::2").starts_with("not-another-node"));
    assert!(broken(&[(DNS, b"worker-1"), (IP, &[10, 0, 0, 2])]).starts_with("not-another-node"));
    let mut case = Case::serving().names(&[(IP, &[10, 0, 0, 9])]);
    case.cluster
        .nodes
        .push(known("worker-9", &[], &["::ffff:10.0.0.9"]));
    assert!(case.broken().starts_with("not-another-node"));
}

#[test]
fn a_node_asks_for_its_own_serving_certificate_only() {
    let other = Case::serving().asked_by("system:node:worker-2", &["system:nodes"]);
    insta::assert_snapshot!(other.broken(), @"serving-for-itself: system:node:worker-2 asks for a serving certificate of the node worker-1");
    let person = Case::serving().asked_by("jane", &["system:masters"]);
    insta::assert_snapshot!(person.broken(), @"serving-for-itself: jane asks for a serving certificate of the node worker-1");
    let client = Case::serving().usages(&["digital signature", "client auth"]);
    assert!(client.broken().starts_with("usages-of-the-signer"));
    let both = Case::serving().usages(&["digital signature", "server auth", "client auth"]);
    assert!(both.broken().starts_with("usages-of-the-signer"));
}
