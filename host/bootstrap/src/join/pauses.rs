//! How long to wait before the API server is asked again.

use std::time::Duration;

use tokio::time::Instant;

/// An automatic approval takes some ten milliseconds; a person takes hours.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Pauses that grow, until the time is over.
pub(super) struct Pauses {
    /// The next pause.
    pub(super) current: Duration,
    until: Option<Instant>,
}

impl Pauses {
    pub(super) fn new(timeout: Option<Duration>, now: Instant) -> Self {
        Self {
            current: FIRST_PAUSE,
            until: timeout.and_then(|timeout| now.checked_add(timeout)),
        }
    }

    /// None when the time is over. The last pause ends with the time, so that the last attempt is made then.
    pub(super) fn next(&mut self, now: Instant) -> Option<Duration> {
        let pause = self.current;
        self.current = (pause + pause / 3).min(LONGEST_PAUSE);
        let Some(until) = self.until else {
            return Some(pause);
        };
        let left = until.saturating_duration_since(now);
        (!left.is_zero()).then(|| pause.min(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_end_with_the_time() {
        let start = Instant::now();
        let mut endless = Pauses::new(None, start);
        let last = std::iter::from_fn(|| endless.next(start)).take(60).last();
        assert_eq!(last, Some(LONGEST_PAUSE));

        let mut bounded = Pauses::new(Some(Duration::from_millis(4)), start);
        let first = bounded.next(start).unwrap();
        assert_eq!(first, FIRST_PAUSE);
        assert_eq!(bounded.next(start + first), Some(Duration::from_millis(2)));
        assert_eq!(bounded.next(start + Duration::from_millis(4)), None);
    }
}
