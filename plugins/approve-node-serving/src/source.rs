//! What is known of a node independently of what it says itself.

mod dns;
mod inventory;
mod machines;

use std::net::IpAddr;

use slipway_sdk::prelude::*;

use crate::rules::Violation;
use crate::settings::Source;

/// What a source says of a node.
pub(crate) enum Known {
    /// This is confirmed.
    Node(Confirmed),
    /// It does not know the node (yet), in a sentence.
    Nothing(String),
    /// It knows that the request is wrong.
    Contradiction(Violation),
}

/// Names and addresses that are the node's.
#[derive(Debug, Default)]
pub(crate) struct Confirmed {
    /// Who confirms them, as the beginning of a sentence.
    pub(crate) by: String,
    /// The node's addresses.
    pub(crate) addresses: Vec<IpAddr>,
    /// The node's DNS names, beside those of the settings.
    pub(crate) dns_names: Vec<String>,
    /// The addresses that the DNS names of the request stand for, where that was looked up.
    pub(crate) resolved: Vec<IpAddr>,
}

impl Confirmed {
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.addresses
            .iter()
            .any(|known| known.to_canonical() == address)
    }
}

/// Asks the source. `names` are those that the node may have by the settings.
///
/// # Errors
/// It cannot be asked now, or what it says is not understood: the request waits.
pub(crate) fn look_up(
    source: &Source,
    request: &CertificateRequest,
    names: &[String],
) -> Result<Known, ReviewError> {
    match source {
        Source::Dns => dns::look_up(request, names),
        Source::Inventory(inventory) => inventory::look_up(inventory, &request.node_name),
        Source::Machines(machines) => machines::look_up(machines, &request.node_name),
    }
}
