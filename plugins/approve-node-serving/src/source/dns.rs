//! What the node's DNS names resolve to. A request for addresses only is bound to the node by the names that it may have.

use std::net::IpAddr;

use slipway_sdk::dns::{self, DnsError};
use slipway_sdk::prelude::*;

use super::{Confirmed, Known};
use crate::rules::Violation;

pub(super) fn look_up(
    request: &CertificateRequest,
    names: &[String],
) -> Result<Known, ReviewError> {
    let mut confirmed = Confirmed {
        by: "the DNS".to_owned(),
        ..Confirmed::default()
    };
    for name in request.dns_names.iter().filter(|name| names.contains(name)) {
        match resolve(name)? {
            Some(addresses) => confirmed.resolved.extend(addresses),
            None => {
                return Ok(Known::Contradiction(Violation::new(
                    "dns-names-resolve",
                    format!("the DNS name {name} does not exist"),
                    "add the node to the DNS",
                )));
            }
        }
    }
    confirmed.addresses.clone_from(&confirmed.resolved);
    if request.dns_names.is_empty() {
        for name in names {
            confirmed
                .addresses
                .extend(resolve(name)?.into_iter().flatten());
        }
        if confirmed.addresses.is_empty() {
            return Ok(Known::Nothing(format!(
                "the DNS knows no address of the node {}: {} does not exist",
                request.node_name,
                names.join(", ")
            )));
        }
    }
    Ok(Known::Node(confirmed))
}

/// The addresses of a name; none where it does not exist, which is an answer. No answer is none.
fn resolve(name: &str) -> Result<Option<Vec<IpAddr>>, ReviewError> {
    match dns::resolve(name) {
        Ok(addresses) => Ok(Some(addresses)),
        Err(DnsError::NotFound(_)) => Ok(None),
        Err(error @ (DnsError::NotAllowed(_) | DnsError::InvalidName(_))) => {
            Err(ReviewError::Other(error.to_string()))
        }
        Err(error) => Err(ReviewError::Unavailable(error.to_string())),
    }
}
