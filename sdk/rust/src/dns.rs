//! Resolution of names. Needs the grant `dns`.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use crate::host;

/// The addresses of a host name, in the resolver's order.
///
/// # Errors
/// See [`DnsError`].
pub fn resolve(name: &str) -> Result<Vec<IpAddr>, DnsError> {
    host::resolve(name)
}

/// Where a service is (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// A host name.
    pub target: String,
    /// The port.
    pub port: u16,
    /// Lower is tried first.
    pub priority: u16,
    /// Share among targets of one priority.
    pub weight: u16,
    /// How long this holds.
    pub ttl: Duration,
}

/// The SRV records of a name such as `_kubernetes._tcp.example.com`, which is complete: no search list is applied.
///
/// # Errors
/// See [`DnsError`].
pub fn services(name: &str) -> Result<Vec<Service>, DnsError> {
    host::services(name)
}

/// Why a name has no addresses or services.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DnsError {
    /// It is not a name.
    #[error("{0:?} is not a host name")]
    InvalidName(String),
    /// There is no such name, or it has no addresses.
    #[error("{0} cannot be resolved: there is no such name")]
    NotFound(String),
    /// The resolver did not answer, or not now.
    #[error("{0} cannot be resolved now")]
    Unavailable(String),
    /// The host does not let the plugin resolve this name.
    #[error("the plugin may not resolve {0}")]
    NotAllowed(String),
    /// Anything else.
    #[error("{name} cannot be resolved: {reason}")]
    Other {
        /// The name.
        name: String,
        /// What the host said.
        reason: String,
    },
}
