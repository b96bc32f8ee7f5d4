//! Of several replicas one works and the others wait, through a Lease.
//!
//! Nothing that is decided depends on there being one leader: every write is conditional on what was read, and every claim
//! is a create that fails where there is one already. What the Lease saves is the work of losing those races. All the same
//! a leader that cannot renew its lease stops before another may have it: what it knows is old by then.

mod lock;

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;

use self::lock::Lock;
use crate::error::Error;
use crate::measures;
use crate::system;

/// The name of the Lease.
pub const LEASE: &str = "slipway-controller";

/// How long the lease may take to be given back.
const HAND_OVER: Duration = Duration::from_secs(3);

/// Runs `work` while this replica leads, as often as it comes to lead, until `shutdown`; then hands over. Whether it leads
/// is told through `leading`. An API server that is away ends a term and not the process.
///
/// # Errors
/// When the Lease cannot be read or made at the start, or `work` ends by a defect.
pub async fn lead<W>(
    client: kube::Client,
    identity: &str,
    leading: &watch::Sender<bool>,
    shutdown: &CancellationToken,
    mut work: impl FnMut(CancellationToken) -> W,
) -> Result<(), Error>
where
    W: Future<Output = Result<(), Error>>,
{
    system::ensure_namespace(&client).await?;
    let mut lock = Lock::new(client, identity);
    // What stands in the way at the start, such as a missing right, is not a matter of waiting.
    let mut outcome = match lock.take().await {
        Err(error) if !error.is_conflict() => Err(error),
        _ => Ok(()),
    };
    while outcome.is_ok() && lock.wait(shutdown).await {
        leading.send_replace(true);
        measures::leads(true);
        tracing::info!(identity, "this replica leads");
        outcome = term(&mut lock, shutdown, &mut work).await;
        leading.send_replace(false);
        measures::leads(false);
        tracing::info!(identity, "this replica leads no more");
    }
    match tokio::time::timeout(HAND_OVER, lock.give_back()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the lease could not be given back; it ends by itself"
        ),
        Err(_) => tracing::warn!("the lease could not be given back in time; it ends by itself"),
    }
    outcome
}

/// Works until `shutdown` or until the lease is lost. What is not finished when another may have the lease is cut off: the
/// next leader finishes it.
async fn term<W>(
    lock: &mut Lock,
    shutdown: &CancellationToken,
    work: &mut impl FnMut(CancellationToken) -> W,
) -> Result<(), Error>
where
    W: Future<Output = Result<(), Error>>,
{
    let stop = shutdown.child_token();
    let mut working = pin!(work(stop.clone()));
    let outcome = tokio::select! {
        outcome = &mut working => outcome,
        end = lock.keep() => {
            stop.cancel();
            timeout_at(end, &mut working).await.unwrap_or(Ok(()))
        }
    };
    match outcome {
        // The API server may have gone away, or may be starting and not know our rights yet.
        Err(error @ Error::Api { .. }) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the controllers could not start and are started again"
            );
            lock.pause(shutdown).await;
            Ok(())
        }
        outcome => outcome,
    }
}
