//! What runs until it is stopped.

use std::future::Future;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::queue::{Next, WorkQueue, work};

/// Requests that are worked on at a time, by the approver and by the signer each. Nearly all of that time the API server
/// works: with the five of kube-controller-manager it would have little to do.
pub(super) const WORKERS: usize = 64;

/// What runs.
pub(super) struct Tasks {
    running: JoinSet<(&'static str, Result<(), Error>)>,
    stop: CancellationToken,
}

impl Tasks {
    /// None yet; `stop` stops them.
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self {
            running: JoinSet::new(),
            stop,
        }
    }

    pub(super) fn start<F>(&mut self, name: &'static str, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let task = task(self.stop.clone());
        self.running.spawn(async move {
            task.await;
            (name, Ok(()))
        });
    }

    pub(super) fn start_work<F, W>(&mut self, name: &'static str, queue: &Arc<WorkQueue>, handle: F)
    where
        F: Fn(String) -> W + Clone + Send + Sync + 'static,
        W: Future<Output = Next> + Send + 'static,
    {
        let work = work(name, Arc::clone(queue), WORKERS, self.stop.clone(), handle);
        self.running.spawn(async move { (name, work.await) });
    }

    /// Waits for all of them; one that ends by itself ends the others.
    pub(super) async fn wait(mut self) -> Result<(), Error> {
        let mut result = Ok(());
        let wanted = self.stop.clone();
        while let Some(ended) = self.running.join_next().await {
            let ended = match ended {
                Ok((name, Ok(()))) if !wanted.is_cancelled() => Err(Error::Ended {
                    name,
                    reason: "it had nothing more to do".to_owned(),
                }),
                Ok((_, ended)) => ended,
                Err(error) => Err(Error::Ended {
                    name: "task",
                    reason: error.to_string(),
                }),
            };
            if let Err(error) = ended
                && result.is_ok()
            {
                result = Err(error);
                self.stop.cancel();
            }
        }
        result
    }
}

/// The next thing, or none when it is time to stop.
pub(super) async fn or_stop<T>(
    stop: &CancellationToken,
    next: impl Future<Output = Option<T>>,
) -> Option<T> {
    tokio::select! {
        () = stop.cancelled() => None,
        next = next => next,
    }
}
