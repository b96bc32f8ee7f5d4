//! Resolution of names. Needs the grant `dns`.

use std::net::IpAddr;

use thiserror::Error;

use crate::host;

/// The addresses of a host name, in the resolver's order.
///
/// # Errors
/// See [`DnsError`].
pub fn resolve(name: &str) -> Result<Vec<IpAddr>, DnsError> {
    host::resolve(name)
}

/// Why a name has no addresses.
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
