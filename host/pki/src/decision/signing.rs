//! How long a certificate holds.

use std::time::Duration;

use jiff::Timestamp;

use crate::time::{earlier, later, whole_seconds};

/// How far back a certificate begins to hold, for clocks that are behind.
pub const BACKDATE: Duration = Duration::from_secs(5 * 60);

/// Shortest lifetime that a request may ask for (`spec.expirationSeconds`), in seconds.
pub(crate) const SHORTEST_EXPIRATION: u32 = 600;

/// The longest that a certificate of our signer holds unless it is configured otherwise: a year.
pub const DEFAULT_MAXIMUM: Duration = Duration::from_secs(365 * 24 * 3600);

/// When a certificate holds; both ends are whole seconds and belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub not_before: Timestamp,
    /// The last moment.
    pub not_after: Timestamp,
}

/// Why nothing can be signed now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The CA's own certificate does not hold now.
    #[error("the CA's certificate holds from {} to {}, and it is {now}", ca.not_before, ca.not_after)]
    CaOutsideItsTime {
        /// When the CA's certificate holds.
        ca: Validity,
        /// The time of signing.
        now: Timestamp,
    },
    /// The signer is configured to give no time at all.
    #[error("the longest lifetime that the signer may give is {0:?}; expected at least a second")]
    Maximum(Duration),
}

/// The validity of a certificate signed at `now`: what was requested, at most `maximum`, never beyond the CA's own
/// certificate, and backdated by [`BACKDATE`].
///
/// `requested` is `spec.expirationSeconds`; none asks for the maximum.
pub fn validity(
    now: Timestamp,
    requested: Option<u32>,
    maximum: Duration,
    ca: Validity,
) -> Result<Validity, SigningError> {
    let now = whole_seconds(now);
    if now < ca.not_before || now >= ca.not_after {
        return Err(SigningError::CaOutsideItsTime { ca, now });
    }
    if maximum < Duration::from_secs(1) {
        return Err(SigningError::Maximum(maximum));
    }
    let lifetime = requested.map_or(maximum, |seconds| {
        Duration::from_secs(u64::from(seconds)).min(maximum)
    });
    Ok(Validity {
        not_before: earlier(now, BACKDATE).max(ca.not_before),
        not_after: whole_seconds(later(now, lifetime)).min(ca.not_after),
    })
}

#[cfg(test)]
mod tests;
