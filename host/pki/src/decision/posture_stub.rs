//! Stands in for the posture catalogue of slipway-config until it is there.
/// Entries of the posture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostureId {
    /// Token without pin.
    TokenWithoutPin,
    /// HTTPS discovery without pin.
    HttpsDiscoveryWithoutPin,
    /// Unverified trust source.
    UnverifiedTrustSource,
}
