//! HTTPS without verification of the server, for the first contact of a discovery whose answer proves itself.
//!
//! Needs the grant `unverifiedHttps`; for trust sources only, which reach the hosts and ports of the present call's
//! locations, on the fixed paths of discovery.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::host;

/// Bounds that the plugin wants; the host applies its own where they are tighter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest body in bytes.
    pub body_bytes: u32,
    /// Longest time for the whole exchange.
    pub time: Duration,
}

impl Default for Limits {
    /// 1 MiB and 10 s.
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            time: Duration::from_secs(10),
        }
    }
}

/// What the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The media type, without parameters, in lower case; empty if the server sent none.
    pub content_type: String,
    /// The body, not decoded.
    pub body: Vec<u8>,
    /// The certificates that the server presented, as DER, its own first.
    pub peer_certificates: Vec<Vec<u8>>,
}

/// Fetches `url` with GET, without credentials and without following redirects.
///
/// # Errors
/// See [`FetchError`].
pub fn get(url: &str, limits: Limits) -> Result<Response, FetchError> {
    host::unverified_get(url, limits)
}

/// Fetches `urls` with GET, each with a head start over the next, so that a server that does not answer holds up nobody: the
/// next begins as soon as one before it is over, or after 250 ms. At most 32.
pub fn race(urls: &[String], limits: Limits) -> Race {
    Race(host::Race::begin(urls, limits))
}

/// Several fetches: which of the URLs, and what became of it, in the order in which they end. They run while the next one is
/// waited for, though their time goes on in between, and end with this.
pub struct Race(host::Race);

impl Iterator for Race {
    type Item = (usize, Result<Response, FetchError>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl fmt::Debug for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race").finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FetchError {
    /// This URL is outside what the present call may reach.
    #[error("the plugin may not reach this: {0}")]
    NotAllowed(String),
    /// The name could not be resolved.
    #[error("the name cannot be resolved: {0}")]
    Dns(String),
    /// No connection.
    #[error("no connection: {0}")]
    Connect(String),
    /// It answered, but does not speak TLS.
    #[error("the server does not speak TLS: {0}")]
    NotTls(String),
    /// The TLS handshake failed.
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    /// It did not answer in time.
    #[error("the server did not answer in time")]
    Timeout,
    /// The body is larger than allowed.
    #[error("the answer is larger than allowed")]
    TooLarge,
    /// Not an HTTP answer that can be used.
    #[error("the answer is not HTTP that can be used: {0}")]
    Protocol(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl FetchError {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Dns(_) | Self::Connect(_) | Self::Timeout)
    }
}
