//! The Machines of Cluster API: a controller of the infrastructure's provider writes their addresses, not the node.

use std::net::IpAddr;

use serde::Deserialize;
use slipway_sdk::cluster::{self, ClusterError, Kind};
use slipway_sdk::prelude::*;

use super::{Confirmed, Known};
use crate::settings::Machines;

/// What is read of a Machine (`api/core/v1beta1/machine_types.go` in Cluster API).
#[derive(Deserialize)]
struct Machine {
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    node_ref: Option<NodeRef>,
    addresses: Vec<Address>,
}

#[derive(Deserialize)]
struct NodeRef {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Address {
    address: String,
}

impl Machines {
    pub(crate) fn kind(&self) -> Kind<'_> {
        Kind {
            group: &self.group,
            version: &self.version,
            kind: "Machine",
        }
    }
}

pub(super) fn look_up(machines: &Machines, node: &str) -> Result<Known, ReviewError> {
    let all: Vec<Machine> =
        cluster::list(&machines.kind(), &machines.namespace).map_err(|error| match error {
            ClusterError::Unavailable(_) => ReviewError::Unavailable(error.to_string()),
            error => ReviewError::Other(error.to_string()),
        })?;
    let mut own = all.into_iter().filter(|machine| {
        let node_ref = machine.status.node_ref.as_ref();
        node_ref.is_some_and(|node_ref| node_ref.name == node)
    });
    let Some(machine) = own.next() else {
        return Ok(Known::Nothing(format!(
            "no Machine in {} has the node {node} in its status.nodeRef",
            machines.namespace
        )));
    };
    if let Some(other) = own.next() {
        return Err(ReviewError::Other(format!(
            "the Machines {} and {} both have the node {node} in their status.nodeRef",
            machine.metadata.name, other.metadata.name
        )));
    }
    let mut confirmed = Confirmed {
        by: format!(
            "the Machine {}/{}",
            machines.namespace, machine.metadata.name
        ),
        ..Confirmed::default()
    };
    for Address { address } in machine.status.addresses {
        match address.parse::<IpAddr>() {
            Ok(address) => confirmed.addresses.push(address),
            Err(_) => confirmed.dns_names.push(address.to_ascii_lowercase()),
        }
    }
    Ok(Known::Node(confirmed))
}
