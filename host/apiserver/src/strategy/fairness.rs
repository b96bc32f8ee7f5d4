//! How fast one requester may create certificate signing requests, so that a flood from one token
//! starves nobody else.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bounds on the certificate signing requests of one requester.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RequestLimits {
    /// How many one requester may create at once before the rate holds.
    pub burst: u32,
    /// How many one requester may create per second from then on.
    pub per_second: u32,
    /// How many of one bootstrap token may wait for a decision.
    pub pending_per_token: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            burst: 200,
            per_second: 50,
            pending_per_token: 1000,
        }
    }
}

/// A bucket of permits for each requester who lately asked.
#[derive(Debug)]
pub(crate) struct Fairness {
    limits: RequestLimits,
    buckets: Mutex<HashMap<String, Bucket>>,
}

/// Full at `burst`; a bucket that has filled up again is forgotten.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    permits: f64,
    at: Instant,
}

impl Fairness {
    pub(crate) fn new(limits: RequestLimits) -> Self {
        Self {
            limits,
            buckets: Mutex::default(),
        }
    }

    /// Takes a permit.
    ///
    /// # Errors
    /// How long to wait for the next one, when there is none.
    pub(crate) fn take(&self, requester: &str, now: Instant) -> Result<(), Duration> {
        let (burst, rate) = (
            f64::from(self.limits.burst),
            f64::from(self.limits.per_second),
        );
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        // Forgetting costs a walk, so only where the map has grown.
        if buckets.len() >= 1024 && !buckets.contains_key(requester) {
            buckets.retain(|_, bucket| bucket.filled(now, rate) < burst);
        }
        let bucket = buckets.entry(requester.to_owned()).or_insert(Bucket {
            permits: burst,
            at: now,
        });
        let permits = bucket.filled(now, rate).min(burst);
        if permits < 1.0 {
            return Err(Duration::from_secs_f64(
                ((1.0 - permits) / rate.max(f64::MIN_POSITIVE)).min(3600.0),
            ));
        }
        *bucket = Bucket {
            permits: permits - 1.0,
            at: now,
        };
        Ok(())
    }
}

impl Bucket {
    fn filled(&self, now: Instant, rate: f64) -> f64 {
        self.permits + now.saturating_duration_since(self.at).as_secs_f64() * rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fairness() -> Fairness {
        Fairness::new(RequestLimits {
            burst: 3,
            per_second: 2,
            ..RequestLimits::default()
        })
    }

    #[test]
    fn a_flood_from_one_token_starves_nobody_else() {
        let fairness = fairness();
        let now = Instant::now();
        let passed = (0..10_000)
            .filter(|_| fairness.take("system:bootstrap:aaaaaa", now).is_ok())
            .count();
        assert_eq!(passed, 3);
        assert_eq!(fairness.take("system:bootstrap:bbbbbb", now), Ok(()));
    }

    #[test]
    fn permits_come_back_at_the_rate_and_not_beyond_the_burst() {
        let fairness = fairness();
        let now = Instant::now();
        for _ in 0..3 {
            fairness.take("a", now).unwrap();
        }
        assert_eq!(fairness.take("a", now), Err(Duration::from_millis(500)));
        let later = now + Duration::from_millis(500);
        assert_eq!(fairness.take("a", later), Ok(()));
        assert!(fairness.take("a", later).is_err());
        let much_later = now + Duration::from_secs(3600);
        let passed = (0..10)
            .filter(|_| fairness.take("a", much_later).is_ok())
            .count();
        assert_eq!(passed, 3);
    }

    #[test]
    fn requesters_who_went_away_are_forgotten() {
        let fairness = fairness();
        let now = Instant::now();
        for index in 0..5000 {
            fairness
                .take(&format!("u{index}"), now + Duration::from_secs(index))
                .unwrap();
        }
        assert!(fairness.buckets.lock().unwrap().len() <= 1025);
    }
}
