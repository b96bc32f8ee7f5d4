//! The rules.

use std::net::IpAddr;

use slipway_sdk::prelude::*;

use crate::settings::Policy;
use crate::source::Confirmed;

/// The rule about the source's knowing the node.
pub(crate) const SOURCE: &str = "node-known-to-the-source";

/// A rule that is broken.
pub(crate) struct Violation {
    pub(crate) finding: Finding,
    pub(crate) reason: String,
}

impl Violation {
    pub(crate) fn new(rule: &str, reason: String, fix: &str) -> Self {
        Self {
            finding: Finding::failed(rule, &*reason).fix(fix),
            reason,
        }
    }
}

pub(crate) fn node_name(
    policy: &Policy,
    request: &CertificateRequest,
) -> Result<Finding, Violation> {
    const RULE: &str = "node-name-allowed";
    let name = &request.node_name;
    match &policy.node_names {
        None => Ok(Finding::passed(RULE, "every name is allowed")),
        Some((pattern, regex)) if regex.is_match(name) => {
            Ok(Finding::passed(RULE, format!("{name} matches {pattern}")))
        }
        Some((pattern, _)) => Err(Violation::new(
            RULE,
            format!("the node's name {name} does not match {pattern}"),
            "see the setting `nodeNames` of approve-node-serving",
        )),
    }
}

pub(crate) fn lifetime(
    policy: &Policy,
    request: &CertificateRequest,
) -> Result<Finding, Violation> {
    const RULE: &str = "lifetime-allowed";
    let asked = request.expiration.map(|asked| asked.as_secs());
    match (asked, policy.max_expiration_seconds) {
        (None, _) => Ok(Finding::passed(RULE, "no lifetime is asked for")),
        (Some(asked), Some(max)) if asked > max.into() => Err(Violation::new(
            RULE,
            format!("a lifetime of {asked} s is asked for; at most {max} s are allowed"),
            "see the setting `maxExpirationSeconds` of approve-node-serving",
        )),
        (Some(asked), _) => Ok(Finding::passed(
            RULE,
            format!("a lifetime of {asked} s is asked for"),
        )),
    }
}

/// A name is the node's as a whole, or is not: `auth.corp` is not the node `auth`'s, nor `worker-10` the node `worker-1`'s.
pub(crate) fn dns_names(
    request: &CertificateRequest,
    names: &[String],
    confirmed: &Confirmed,
) -> Result<Finding, Violation> {
    const RULE: &str = "dns-names-of-the-node";
    let is_own = |name: &&String| names.contains(name) || confirmed.dns_names.contains(name);
    match request.dns_names.iter().find(|name| !is_own(name)) {
        None if request.dns_names.is_empty() => {
            Ok(Finding::skipped(RULE, "no DNS name is asked for"))
        }
        None => Ok(Finding::passed(
            RULE,
            format!(
                "{} of the node {}",
                request.dns_names.join(", "),
                request.node_name
            ),
        )),
        Some(name) => Err(Violation::new(
            RULE,
            format!(
                "the DNS name {name} is not one of the node {}",
                request.node_name
            ),
            "add its form to the setting `dnsNames` of approve-node-serving if nodes may have such names",
        )),
    }
}

pub(crate) fn addresses(
    request: &CertificateRequest,
    confirmed: &Confirmed,
) -> Result<Finding, Violation> {
    const RULE: &str = "addresses-of-the-node";
    let known = listed(&confirmed.addresses);
    let foreign = request
        .ip_addresses
        .iter()
        .find(|address| !confirmed.has(**address));
    match foreign {
        None if request.ip_addresses.is_empty() => {
            Ok(Finding::skipped(RULE, "no IP address is asked for"))
        }
        None => Ok(Finding::passed(
            RULE,
            format!(
                "{} confirms {}",
                confirmed.by,
                listed(&request.ip_addresses)
            ),
        )),
        Some(address) => Err(Violation::new(
            RULE,
            format!(
                "{} does not confirm the address {address} for the node {}; it knows {known}",
                confirmed.by, request.node_name
            ),
            "correct what it knows of the node, or see who asks for another's address",
        )),
    }
}

/// Addresses that a name stands for count as those that are asked for: a certificate for the name is one for them.
pub(crate) fn networks(
    policy: &Policy,
    request: &CertificateRequest,
    confirmed: &Confirmed,
) -> Result<Finding, Violation> {
    const RULE: &str = "addresses-in-the-networks";
    if policy.networks.is_empty() {
        return Ok(Finding::passed(RULE, "every network is allowed"));
    }
    let outside = request
        .ip_addresses
        .iter()
        .chain(&confirmed.resolved)
        .find(|address| {
            !policy
                .networks
                .iter()
                .any(|network| network.contains(*address))
        });
    match outside {
        None => Ok(Finding::passed(
            RULE,
            "every address is in an allowed network",
        )),
        Some(address) => Err(Violation::new(
            RULE,
            format!("the address {address} is in none of the allowed networks"),
            "see the setting `networks` of approve-node-serving",
        )),
    }
}

fn listed(addresses: &[IpAddr]) -> String {
    if addresses.is_empty() {
        return "none".to_owned();
    }
    let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
