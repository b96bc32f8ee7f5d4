//! Rules about the names in a serving certificate.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use slipway_config::endpoint::Host;
use slipway_config::name::{Dns1123Subdomain, NodeName};
use x509_cert::ext::pkix::name::GeneralName;

use super::shape::shortened;
use super::{ApiServerIdentity, ClusterFacts, Findings, KnownNode, Names};
use crate::certificate::address;
use crate::csr::CertificateRequest;

/// Most names that one certificate may have; a node has a handful.
const MOST_NAMES: usize = 64;

/// Names are there, are DNS names and addresses only, and are nobody else's.
pub(super) fn names(
    request: &CertificateRequest,
    node: Option<&NodeName>,
    cluster: &ClusterFacts,
    findings: &mut Findings,
) -> Names {
    const RULE: &str = "serving-extensions";
    for oid in request.other_extensions() {
        findings.failed(
            RULE,
            format!("the extension {oid} is asked for; expected subject alternative names only"),
        );
    }
    findings.passed_unless_failed(
        RULE,
        "subject alternative names are the only extension asked for",
    );
    let names = read(request.alternative_names().unwrap_or_default(), findings);
    let others: Vec<&KnownNode> = cluster
        .nodes
        .iter()
        .filter(|known| Some(known.name()) != node)
        .collect();
    for name in &names.dns {
        not_the_api_server(
            name.as_str(),
            is_api_server_name(name.as_str(), &cluster.api_server),
            findings,
        );
        not_another_node(&Host::Name(name.clone()), &others, findings);
    }
    for address in &names.addresses {
        not_the_api_server(
            &address.to_string(),
            cluster
                .api_server
                .addresses
                .iter()
                .any(|own| same(own, address)),
            findings,
        );
        not_another_node(&Host::Ip(*address), &others, findings);
    }
    findings.passed_unless_failed("not-the-api-server", "no name is one of the API server");
    findings.passed_unless_failed("not-another-node", "no name is one of another node");
    names
}

fn read(asked: &[GeneralName], findings: &mut Findings) -> Names {
    const RULE: &str = "serving-names";
    let mut names = Names::default();
    if asked.is_empty() {
        findings.failed(RULE, "no subject alternative name is asked for; expected at least one DNS name or IP address");
    }
    if asked.len() > MOST_NAMES {
        findings.failed(
            RULE,
            format!(
                "{} names are asked for; expected at most {MOST_NAMES}",
                asked.len()
            ),
        );
        return names;
    }
    for name in asked {
        match name {
            GeneralName::DnsName(name) => match dns_name(name.as_str()) {
                Ok(name) => names.dns.push(name),
                Err(reason) => findings.failed(
                    RULE,
                    format!("the DNS name {:?} {reason}", shortened(name.as_str())),
                ),
            },
            GeneralName::IpAddress(octets) => match address(octets.as_bytes()) {
                None => findings.failed(
                    RULE,
                    format!(
                        "an IP address has {} bytes; expected 4 or 16",
                        octets.as_bytes().len()
                    ),
                ),
                Some(address) => match special(address) {
                    None => names.addresses.push(address),
                    Some(kind) => {
                        findings.failed(RULE, format!("the IP address {address} is {kind}"))
                    }
                },
            },
            other => findings.failed(
                RULE,
                format!(
                    "a name of the kind {} is asked for; expected DNS names and IP addresses only",
                    kind(other)
                ),
            ),
        }
    }
    findings.passed_unless_failed(
        RULE,
        "the names are DNS names and IP addresses that a node can have",
    );
    names
}

fn not_the_api_server(name: &str, is: bool, findings: &mut Findings) {
    if is {
        findings.failed("not-the-api-server", format!("{name} is the API server's"));
    }
}

fn not_another_node(host: &Host, others: &[&KnownNode], findings: &mut Findings) {
    let wanted = host.clone().canonical();
    if let Some(other) = others.iter().find(|other| other.hosts().contains(&wanted)) {
        findings.failed(
            "not-another-node",
            format!(
                "{} belongs to the node {}",
                host.to_unbracketed(),
                other.name()
            ),
        );
    }
}

/// The names of the Service `kubernetes` resolve to the API server in every cluster, whatever the cluster's domain.
fn is_api_server_name(name: &str, api_server: &ApiServerIdentity) -> bool {
    const SERVICE: [&str; 3] = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    SERVICE.contains(&name)
        || name.starts_with("kubernetes.default.svc.")
        || api_server
            .dns_names
            .iter()
            .any(|own| own.trim_end_matches('.').eq_ignore_ascii_case(name))
}

/// Only what is a host name to everybody: some readers take `10.0.0.1`, `127.1` or `0x7f000001` for an address.
fn dns_name(text: &str) -> Result<Dns1123Subdomain, String> {
    if text.contains('*') {
        return Err("is a wildcard".to_owned());
    }
    let name: Dns1123Subdomain = text
        .parse()
        .map_err(|error| format!("is not a DNS name: {error}"))?;
    let last = text.rsplit('.').next().unwrap_or(text);
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let is_hex = |label: &str| {
        label
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    if is_number(last) || is_hex(last) {
        return Err("could be taken for an IP address".to_owned());
    }
    if matches!(
        last,
        "localhost" | "localdomain" | "ip6-localhost" | "ip6-loopback"
    ) {
        return Err("is a loopback name".to_owned());
    }
    if text.split('.').any(|label| label.len() > 63) {
        return Err("has a part longer than 63 characters".to_owned());
    }
    Ok(name)
}

/// What is special about an address that no node is reached at; none where it is an ordinary one.
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(_) => Some("an IPv4 address written as IPv6"),
            None => special_v6(address),
        },
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        _ if address.is_unspecified() => Some("unspecified"),
        _ if address.is_loopback() => Some("loopback"),
        _ if address.is_link_local() => Some("link-local"),
        _ if address.is_multicast() => Some("multicast"),
        [0, ..] => Some("of \"this network\""),
        [240..=255, ..] => Some("reserved or broadcast"),
        _ => None,
    }
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address.segments() {
        _ if address.is_unspecified() => Some("unspecified"),
        _ if address.is_loopback() => Some("loopback"),
        _ if address.is_unicast_link_local() => Some("link-local"),
        _ if address.is_multicast() => Some("multicast"),
        [0, 0, 0, 0, 0, 0, ..] => Some("an IPv4 address written as IPv6"),
        [0x64, 0xff9b, ..] => Some("an IPv4 address written as IPv6"),
        _ => None,
    }
}

fn same(one: &IpAddr, other: &IpAddr) -> bool {
    one.to_canonical() == other.to_canonical()
}

fn kind(name: &GeneralName) -> &'static str {
    match name {
        GeneralName::OtherName(_) => "otherName",
        GeneralName::Rfc822Name(_) => "e-mail address",
        GeneralName::DnsName(_) => "DNS name",
        GeneralName::DirectoryName(_) => "directory name",
        GeneralName::EdiPartyName(_) => "EDI party name",
        GeneralName::UniformResourceIdentifier(_) => "URI",
        GeneralName::IpAddress(_) => "IP address",
        GeneralName::RegisteredId(_) => "registered ID",
    }
}
