//! What became of the locations that were tried in vain.

use slipway_sdk::prelude::*;

use crate::location::Location;

/// The failures so far.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    texts: Vec<String>,
    best: Option<Outlook>,
}

/// What a failure means for another try, the most hopeful first: while one location may come round, all are tried
/// again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outlook {
    NotSigned,
    Unavailable,
    Untrusted,
    Other,
    InvalidRequest,
}

impl Attempts {
    pub(crate) fn failed(&mut self, location: &Location, error: DiscoveryError) {
        let (outlook, reason) = match error {
            DiscoveryError::NotSigned(reason) => (Outlook::NotSigned, reason),
            DiscoveryError::Unavailable(reason) => (Outlook::Unavailable, reason),
            DiscoveryError::Untrusted(reason) => (Outlook::Untrusted, reason),
            DiscoveryError::Other(reason) => (Outlook::Other, reason),
            DiscoveryError::InvalidRequest(reason) => (Outlook::InvalidRequest, reason),
        };
        self.best = Some(self.best.map_or(outlook, |before| before.min(outlook)));
        self.texts.push(format!("{location}: {reason}"));
    }

    pub(crate) fn into_error(self) -> DiscoveryError {
        let text = self.texts.join("; ");
        match self.best {
            Some(Outlook::NotSigned) => DiscoveryError::NotSigned(text),
            Some(Outlook::Unavailable) => DiscoveryError::Unavailable(text),
            Some(Outlook::Untrusted) => DiscoveryError::Untrusted(text),
            Some(Outlook::Other) => DiscoveryError::Other(text),
            Some(Outlook::InvalidRequest) => DiscoveryError::InvalidRequest(text),
            None => DiscoveryError::InvalidRequest(
                "no location is given; expected an API server as host:port".to_owned(),
            ),
        }
    }
}
