//! Which failures of the API server are waited out.

use std::time::Duration;

use tokio::time::Instant;

use crate::connect::RequestFailure;

/// An API server that has just started does not know tokens, roles and bindings yet: for some seconds it refuses what it
/// accepted before.
const STARTING: Duration = Duration::from_secs(15);

/// Bears what passes by itself, and for a while that who was accepted before is refused.
#[derive(Debug, Default)]
pub(super) struct Patience {
    refusals_since: Option<Instant>,
}

impl Patience {
    /// For who was accepted at this moment.
    pub(super) fn since(accepted: Instant) -> Self {
        Self {
            refusals_since: Some(accepted),
        }
    }

    /// The API server has accepted us.
    pub(super) fn renew(&mut self, now: Instant) {
        self.refusals_since = Some(now);
    }

    /// Whether the same may succeed after a pause.
    pub(super) fn bears(&mut self, failure: &RequestFailure, now: Instant) -> bool {
        if failure.is_transient() {
            self.renew(now);
            return true;
        }
        let is_refusal = matches!(
            failure,
            RequestFailure::Unauthorized(_) | RequestFailure::Forbidden(_)
        );
        is_refusal
            && self
                .refusals_since
                .is_some_and(|since| now.saturating_duration_since(since) < STARTING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_borne_after_an_outage_and_not_for_ever() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let broken = RequestFailure::Broken("gone".to_owned());
        let unauthorized = RequestFailure::Unauthorized("Unauthorized".to_owned());
        let forbidden = RequestFailure::Forbidden("forbidden".to_owned());
        let conflict = RequestFailure::Conflict("other".to_owned());

        let mut patience = Patience::default();
        assert!(!patience.bears(&unauthorized, start));
        assert!(patience.bears(&broken, start));
        assert!(patience.bears(&unauthorized, after(1)));
        assert!(patience.bears(&forbidden, after(14)));
        assert!(!patience.bears(&conflict, after(14)));
        assert!(!patience.bears(&unauthorized, after(15)));
        assert!(patience.bears(&broken, after(100)));
        assert!(patience.bears(&unauthorized, after(101)));

        let mut accepted = Patience::since(start);
        assert!(accepted.bears(&unauthorized, after(1)));
        accepted.renew(after(60));
        assert!(accepted.bears(&unauthorized, after(61)));
    }
}
