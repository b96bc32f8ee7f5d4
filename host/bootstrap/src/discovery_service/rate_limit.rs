//! How often one caller, and all together, may ask. Pure: the time is a parameter.

use std::collections::HashMap;
use std::net::IpAddr;

use tokio::time::Instant;

/// A joining node asks every five seconds; behind one address there may be a rack of them.
const CALLER: Rate = Rate {
    burst: 20.0,
    per_second: 4.0,
};
const TOGETHER: Rate = Rate {
    burst: 400.0,
    per_second: 200.0,
};

/// Callers that are remembered. Beyond them only the common limit holds, so that memory is bounded.
const CALLERS: usize = 10_000;

#[derive(Clone, Copy)]
struct Rate {
    burst: f64,
    per_second: f64,
}

/// Token buckets.
#[derive(Default)]
pub(super) struct RateLimit {
    together: Option<Bucket>,
    callers: HashMap<IpAddr, Bucket>,
}

struct Bucket {
    left: f64,
    at: Instant,
}

impl RateLimit {
    /// Whether a request of this caller is answered now.
    pub(super) fn allow(&mut self, caller: IpAddr, now: Instant) -> bool {
        if self.callers.len() >= CALLERS && !self.callers.contains_key(&caller) {
            self.callers
                .retain(|_, bucket| !bucket.is_full(CALLER, now));
        }
        if self.callers.len() < CALLERS || self.callers.contains_key(&caller) {
            let bucket = self
                .callers
                .entry(caller)
                .or_insert_with(|| Bucket::full(CALLER, now));
            if !bucket.take(CALLER, now) {
                return false;
            }
        }
        self.together
            .get_or_insert_with(|| Bucket::full(TOGETHER, now))
            .take(TOGETHER, now)
    }
}

impl Bucket {
    fn full(rate: Rate, now: Instant) -> Self {
        Self {
            left: rate.burst,
            at: now,
        }
    }

    fn take(&mut self, rate: Rate, now: Instant) -> bool {
        self.left = self.filled(rate, now);
        self.at = now;
        let allowed = self.left >= 1.0;
        if allowed {
            self.left -= 1.0;
        }
        allowed
    }

    fn is_full(&self, rate: Rate, now: Instant) -> bool {
        self.filled(rate, now) >= rate.burst
    }

    fn filled(&self, rate: Rate, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        (self.left + passed * rate.per_second).min(rate.burst)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    fn caller(number: u32) -> IpAddr {
        Ipv4Addr::from(0x0a00_0000 + number).into()
    }

    #[test]
    fn one_caller_is_slowed_down_and_another_is_not() {
        let (mut limit, now) = (RateLimit::default(), Instant::now());
        let allowed = (0..100).filter(|_| limit.allow(caller(1), now)).count();
        assert_eq!(allowed, 20);
        assert!(limit.allow(caller(2), now));
        assert!(!limit.allow(caller(1), now));
        assert!(limit.allow(caller(1), now + Duration::from_secs(1)));
    }

    #[test]
    fn many_callers_together_are_slowed_down_and_memory_is_bounded() {
        let (mut limit, now) = (RateLimit::default(), Instant::now());
        let ask = |number: u32, limit: &mut RateLimit| limit.allow(caller(number), now);
        let allowed = (0..20_000)
            .filter(|&number| ask(number, &mut limit))
            .count();
        assert_eq!(allowed, 400);
        assert_eq!(limit.callers.len(), CALLERS);
        assert!(limit.allow(caller(60_000), now + Duration::from_secs(60)));
        assert_eq!(
            limit.callers.len(),
            1,
            "callers that are quiet again are forgotten"
        );
    }
}
