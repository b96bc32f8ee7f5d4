//! Endpoints as operators and documents list them.

use serde::Deserialize;

use super::Endpoint;
use crate::address::{HostPort, InvalidAddress};

/// The port of an API server, unless one is given.
pub const API_SERVER_PORT: u16 = 6443;

/// An API server as it is written in settings and documents.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listed {
    /// Host name or IP address, and the port unless it is 6443.
    pub address: String,
    /// Lower is tried first; after everything named before it, unless given.
    pub priority: Option<u16>,
    /// Share among those of one priority; 1 unless given.
    #[serde(default = "one")]
    pub weight: u16,
    /// The zone that it is in.
    pub zone: Option<String>,
}

fn one() -> u16 {
    1
}

/// Endpoints in the order in which they are to be tried, each once.
#[derive(Debug, Clone, Default)]
pub struct EndpointList(Vec<Endpoint>);

impl EndpointList {
    /// Adds an endpoint, unless it is there already; after the others, unless it has a priority of its own.
    pub fn add(
        &mut self,
        address: HostPort,
        priority: Option<u16>,
        weight: u16,
        zone: Option<String>,
    ) {
        let HostPort { host, port } = address;
        let is_known = |known: &Endpoint| known.address == host && known.port == port;
        if self.0.iter().any(is_known) {
            return;
        }
        let next = self
            .0
            .iter()
            .map(|known| known.priority.saturating_add(1))
            .max()
            .unwrap_or(0);
        self.0.push(Endpoint {
            address: host,
            port,
            priority: priority.unwrap_or(next),
            weight,
            zone,
        });
    }

    /// Adds what is listed somewhere.
    ///
    /// # Errors
    /// Its address is none.
    pub fn add_listed(&mut self, listed: &Listed) -> Result<(), InvalidAddress> {
        let address = HostPort::parse(&listed.address, API_SERVER_PORT)?;
        self.add(address, listed.priority, listed.weight, listed.zone.clone());
        Ok(())
    }

    /// By priority; of one priority, the one added first stays first.
    pub fn sorted(mut self) -> Vec<Endpoint> {
        self.0.sort_by_key(|endpoint| endpoint.priority);
        self.0
    }
}
