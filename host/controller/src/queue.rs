//! Work that is waiting, by name: each name once, in turns between those who ask, with back-off after a failure.

mod schedule;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::schedule::Schedule;
use crate::error::Error;
use crate::measures;
use crate::sharing::lock;

/// What becomes of a name after it was worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is done until something changes.
    Done,
    /// It is to be looked at again after a while.
    After(Duration),
    /// It failed, or somebody else was quicker, and is tried again, later each time.
    Retry,
}

/// The names that wait.
pub(crate) struct WorkQueue {
    schedule: Mutex<Schedule>,
    wake: Notify,
}

impl WorkQueue {
    /// For this many workers. One requester gets half of them at most, so that others always find one.
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            schedule: Mutex::new(Schedule::new(workers.div_ceil(2))),
            wake: Notify::new(),
        }
    }

    /// Puts a name in, on behalf of a requester. One that is waiting is not put in twice; one that is being worked on is
    /// worked on again afterwards.
    pub(crate) fn add(&self, name: &str, requester: &str) {
        self.lock().add(name, requester);
        self.wake.notify_one();
    }

    /// Takes a name out: what it stood for is gone.
    pub(crate) fn forget(&self, name: &str) {
        self.lock().forget(name);
    }

    async fn take(&self) -> String {
        loop {
            let due = {
                let mut schedule = self.lock();
                if let Some(name) = schedule.take(Instant::now()) {
                    if schedule.has_ready() {
                        self.wake.notify_one();
                    }
                    return name;
                }
                schedule.next_due()
            };
            match due {
                None => self.wake.notified().await,
                Some(due) => tokio::select! {
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep_until(due) => {}
                },
            }
        }
    }

    fn finish(&self, name: &str, next: Next) {
        self.lock().finish(name, next, Instant::now());
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Schedule> {
        lock(&self.schedule)
    }
}

/// Works on what waits until `shutdown`, with this many workers. Work that has begun is finished.
///
/// # Errors
/// When a worker ended by a defect.
pub(crate) async fn work<F, W>(
    controller: &'static str,
    queue: Arc<WorkQueue>,
    workers: usize,
    shutdown: CancellationToken,
    handle: F,
) -> Result<(), Error>
where
    F: Fn(String) -> W + Clone + Send + Sync + 'static,
    W: Future<Output = Next> + Send,
{
    let mut running = JoinSet::new();
    for _ in 0..workers {
        let (queue, shutdown, handle) = (Arc::clone(&queue), shutdown.clone(), handle.clone());
        running.spawn(async move {
            loop {
                let name = tokio::select! {
                    biased;
                    () = shutdown.cancelled() => return,
                    name = queue.take() => name,
                };
                let begun = Instant::now();
                let next = handle(name.clone()).await;
                measures::worked(controller, begun.elapsed());
                queue.finish(&name, next);
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.map_err(|error| Error::Ended {
            name: controller,
            reason: error.to_string(),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_requester_leaves_half_of_the_workers_to_others() {
        let queue = WorkQueue::new(4);
        for name in ["a1", "a2", "a3", "a4"] {
            queue.add(name, "a");
        }
        assert_eq!(
            (queue.take().await, queue.take().await),
            ("a1".into(), "a2".into())
        );
        let third = tokio::time::timeout(Duration::from_millis(20), queue.take()).await;
        assert!(third.is_err(), "{third:?}");
        queue.add("b1", "b");
        assert_eq!(queue.take().await, "b1");
        queue.finish("a1", Next::Done);
        assert_eq!(queue.take().await, "a3");
    }
}
