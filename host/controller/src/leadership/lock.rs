//! The Lease as a lock, used as client-go's leader election uses it.
//!
//! Whether another's lease is over is told by this machine's own clock, counted from when its holder was last seen to renew
//! it: the clocks of two machines need not agree. Source: client-go, `tools/leaderelection`.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, PostParams};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::LEASE;
use crate::error::{During as _, Error};
use crate::system::NAMESPACE;

/// How long a lease holds that nobody renews.
const DURATION: Duration = Duration::from_secs(10);
/// How long its holder works without having renewed it. The rest of [`DURATION`] is for what was begun.
const RENEW_WITHIN: Duration = Duration::from_secs(7);
/// How often it is renewed, or looked at by those who wait for it.
const PERIOD: Duration = Duration::from_secs(2);
/// How long one try may take.
const TRY: Duration = Duration::from_secs(3);

/// One replica's side of the lock.
pub(super) struct Lock {
    leases: Api<Lease>,
    identity: String,
    /// When this replica last took the lease, if it has it. Others count from later moments.
    held_since: Option<Instant>,
    others: Watched,
    failing: bool,
}

impl Lock {
    /// The lock in the cluster of this client, not taken.
    pub(super) fn new(client: kube::Client, identity: &str) -> Self {
        Self {
            leases: Api::namespaced(client, NAMESPACE),
            identity: identity.to_owned(),
            held_since: None,
            others: Watched::default(),
            failing: false,
        }
    }

    /// Takes the lease where it is free, or renews it. Returns whether this replica has it.
    pub(super) async fn take(&mut self) -> Result<bool, Error> {
        let begun = Instant::now();
        let now = Timestamp::now();
        let found = self.leases.get_opt(LEASE).await.during("read", title())?;
        self.held_since = None;
        let parameters = PostParams::default();
        match found {
            None => {
                let lease = Lease {
                    metadata: ObjectMeta {
                        name: Some(LEASE.to_owned()),
                        ..ObjectMeta::default()
                    },
                    spec: Some(taken(LeaseSpec::default(), &self.identity, now)),
                };
                self.leases
                    .create(&parameters, &lease)
                    .await
                    .during("create", title())?;
            }
            Some(lease) if self.others.keep_out(&lease, &self.identity, begun) => return Ok(false),
            Some(lease) => {
                let spec = taken(lease.spec.clone().unwrap_or_default(), &self.identity, now);
                self.replace(lease, spec).await?;
            }
        }
        self.held_since = Some(begun);
        Ok(true)
    }

    /// Waits until this replica has the lease, or until `shutdown`. Returns whether it has it.
    pub(super) async fn wait(&mut self, shutdown: &CancellationToken) -> bool {
        while !shutdown.is_cancelled() {
            if self.is_fresh() || self.attempt(Instant::now() + TRY).await == Some(true) {
                return true;
            }
            self.pause(shutdown).await;
        }
        false
    }

    /// Renews the lease for as long as that can be done. Returns when what was held is over.
    pub(super) async fn keep(&mut self) -> Instant {
        let mut since = self.held_since.unwrap_or_else(Instant::now);
        loop {
            let deadline = since + RENEW_WITHIN;
            sleep_until(deadline.min(Instant::now() + PERIOD)).await;
            if Instant::now() >= deadline {
                tracing::warn!("the lease could not be renewed in time");
                return since + DURATION;
            }
            match self.attempt(deadline.min(Instant::now() + TRY)).await {
                Some(true) => since = self.held_since.unwrap_or(since),
                Some(false) => {
                    tracing::warn!("another replica has the lease");
                    return Instant::now();
                }
                None => {}
            }
        }
    }

    /// Gives the lease back, where this replica has it, so that nobody waits for its end.
    pub(super) async fn give_back(&mut self) -> Result<(), Error> {
        let found = self.leases.get_opt(LEASE).await.during("read", title())?;
        let Some(lease) = found.filter(|lease| holder(lease) == Some(self.identity.as_str()))
        else {
            return Ok(());
        };
        self.held_since = None;
        let spec = LeaseSpec {
            lease_transitions: lease.spec.as_ref().and_then(|spec| spec.lease_transitions),
            ..LeaseSpec::default()
        };
        self.replace(lease, spec).await
    }

    /// The time between two tries.
    pub(super) async fn pause(&self, shutdown: &CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = sleep(PERIOD) => {}
        }
    }

    /// Whether the lease was just taken.
    fn is_fresh(&self) -> bool {
        self.held_since
            .is_some_and(|since| since.elapsed() < PERIOD)
    }

    /// One try; none where it failed, which is said once for as long as it goes on.
    async fn attempt(&mut self, end: Instant) -> Option<bool> {
        let failure = match timeout_at(end, self.take()).await {
            Ok(Ok(taken)) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!("the lease can be used again");
                }
                return Some(taken);
            }
            Ok(Err(error)) if error.is_conflict() => return None,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("{} was not answered for in time", title()),
        };
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(failure, "the lease cannot be used; it is tried again");
        }
        None
    }

    async fn replace(&self, lease: Lease, spec: LeaseSpec) -> Result<(), Error> {
        let lease = Lease {
            spec: Some(spec),
            ..lease
        };
        self.leases
            .replace(LEASE, &PostParams::default(), &lease)
            .await
            .during("update", title())
            .map(drop)
    }
}

/// The last version of another's lease, and when it was first seen.
#[derive(Default)]
struct Watched {
    version: Option<String>,
    since: Option<Instant>,
}

impl Watched {
    /// Whether the lease is another's, and not over.
    fn keep_out(&mut self, lease: &Lease, identity: &str, now: Instant) -> bool {
        if holder(lease).is_none_or(|holder| holder == identity) {
            return false;
        }
        let version = &lease.metadata.resource_version;
        let since = match self.since {
            Some(since) if self.version == *version => since,
            _ => {
                self.version.clone_from(version);
                *self.since.insert(now)
            }
        };
        let duration = lease
            .spec
            .as_ref()
            .and_then(|spec| spec.lease_duration_seconds);
        let duration = duration
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map_or(DURATION, Duration::from_secs);
        now.saturating_duration_since(since) < duration
    }
}

fn holder(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    (!holder.is_empty()).then_some(holder)
}

/// The lease as its new holder writes it, or as the old one does who renews it.
fn taken(before: LeaseSpec, identity: &str, now: Timestamp) -> LeaseSpec {
    let is_renewed = before.holder_identity.as_deref() == Some(identity);
    let transitions = before.lease_transitions.unwrap_or_default();
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        renew_time: Some(MicroTime(now)),
        acquire_time: match is_renewed {
            true => before.acquire_time,
            false => Some(MicroTime(now)),
        },
        lease_transitions: Some(match is_renewed {
            true => transitions,
            false => transitions.saturating_add(1),
        }),
        ..before
    }
}

fn title() -> String {
    format!("Lease {NAMESPACE}/{LEASE}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(holder: Option<&str>, version: &str) -> Lease {
        Lease {
            metadata: ObjectMeta {
                resource_version: Some(version.to_owned()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: holder.map(str::to_owned),
                lease_duration_seconds: Some(10),
                // By the holder's clock, which is years behind.
                renew_time: Some(MicroTime(Timestamp::UNIX_EPOCH)),
                ..LeaseSpec::default()
            }),
        }
    }

    #[test]
    fn anothers_lease_is_over_when_it_was_not_renewed_for_as_long_as_it_holds() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut watched = Watched::default();
        assert!(watched.keep_out(&lease(Some("b"), "1"), "a", start));
        assert!(watched.keep_out(&lease(Some("b"), "1"), "a", after(9)));
        assert!(watched.keep_out(&lease(Some("b"), "2"), "a", after(10)));
        assert!(watched.keep_out(&lease(Some("b"), "2"), "a", after(19)));
        assert!(!watched.keep_out(&lease(Some("b"), "2"), "a", after(20)));
    }

    #[test]
    fn ones_own_lease_and_one_that_was_given_back_are_free() {
        let mut watched = Watched::default();
        for holder in [Some("a"), Some(""), None] {
            assert!(!watched.keep_out(&lease(holder, "1"), "a", Instant::now()));
        }
        assert!(!watched.keep_out(&Lease::default(), "a", Instant::now()));
    }

    #[test]
    fn transitions_count_holders_and_not_renewals() {
        let taken_by = |spec, identity| taken(spec, identity, Timestamp::UNIX_EPOCH);
        let first = taken_by(LeaseSpec::default(), "a");
        let renewed = taken_by(first.clone(), "a");
        let second = taken_by(renewed.clone(), "b");
        let counted = [&first, &renewed, &second].map(|spec| spec.lease_transitions);
        assert_eq!(counted, [Some(1), Some(1), Some(2)]);
        assert_eq!(second.holder_identity.as_deref(), Some("b"));
    }
}
