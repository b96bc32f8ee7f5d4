//! Of several replicas one works and the others wait, through a Lease.
//!
//! Nothing that is decided depends on there being one leader: every write is conditional on what was read, and every claim
//! is a create that fails where there is one already. What the Lease saves is the work of losing those races.

use std::future::Future;

use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::measures;
use crate::system::{self, NAMESPACE};

/// The name of the Lease.
pub const LEASE: &str = "slipway-controller";

/// How long others wait for a leader that says nothing, in seconds.
const DURATION: u64 = 10;
/// How long before that it says that it is there, in seconds.
const GRACE: u64 = 6;

/// Runs `work` while this replica leads, as often as it comes to lead, until `shutdown`; then hands over. Whether it leads
/// is told through `leading`.
///
/// # Errors
/// When the Lease cannot be read or made at the start, or `work` fails.
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
    let manager = LeaseManagerBuilder::new(client, LEASE)
        .with_namespace(NAMESPACE)
        .with_identity(identity)
        .with_duration(DURATION)
        .with_grace(GRACE)
        .build()
        .await
        .map_err(lease)?;
    let (mut leads, keeping) = manager.watch().await;
    let mut outcome = Ok(());
    while outcome.is_ok() && turns(&mut leads, true, shutdown).await {
        leading.send_replace(true);
        measures::leads(true);
        tracing::info!(identity, "this replica leads");
        let term = shutdown.child_token();
        let mut working = std::pin::pin!(work(term.clone()));
        outcome = tokio::select! {
            outcome = &mut working => outcome,
            _ = turns(&mut leads, false, shutdown) => {
                term.cancel();
                working.await
            }
        };
        leading.send_replace(false);
        measures::leads(false);
    }
    // The keeper of the lease gives it back when nobody listens any more.
    drop(leads);
    let handed_over = keeping.await.map_err(|error| Error::Ended {
        name: "leadership",
        reason: error.to_string(),
    })?;
    outcome?;
    handed_over.map(|_: LeaseManager| ()).map_err(lease)
}

/// Waits until this replica leads, or no longer does. Returns whether to go on.
async fn turns(
    leads: &mut watch::Receiver<bool>,
    wanted: bool,
    shutdown: &CancellationToken,
) -> bool {
    tokio::select! {
        () = shutdown.cancelled() => false,
        turned = leads.wait_for(|leads| *leads == wanted) => turned.is_ok(),
    }
}

fn lease(error: LeaseManagerError) -> Error {
    Error::Lease {
        lease: format!("Lease {NAMESPACE}/{LEASE}"),
        reason: error.to_string(),
    }
}
