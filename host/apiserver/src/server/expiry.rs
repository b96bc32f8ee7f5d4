//! Events end an hour after they were made, as with kube-apiserver's `--event-ttl`: they tell what happened lately, and
//! nobody deletes them.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Clock;
use crate::store::{Action, Part, Record, Scope, Store, Write, WriteError};

/// How long an Event is kept.
const LIFETIME: Duration = Duration::from_secs(3600);

/// How often it is looked.
const PERIOD: Duration = Duration::from_secs(60);

/// Where Events are in the store.
const EVENTS: &str = "/events";

/// Forgets until `shutdown`.
pub(super) async fn run(store: &Store, clock: &Clock, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
        if let Err(error) = forget(store, clock()).await {
            tracing::warn!(%error, "old Events could not be deleted");
        }
    }
}

async fn forget(store: &Store, now: Timestamp) -> Result<(), WriteError> {
    let events = store.list(&Scope::all(EVENTS), Part::ALL).records;
    for event in events.iter().filter(|event| is_over(event, now)) {
        let delete = Write {
            key: event.key.clone(),
            action: Action::Delete {
                expected: event.revision,
                only_if_empty: false,
            },
            namespace: None,
        };
        match store.write(delete).await {
            Ok(_) | Err(WriteError::Missing | WriteError::Changed(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_over(event: &Record, now: Timestamp) -> bool {
    let made = event.object().ok().and_then(|event| event.created());
    made.is_some_and(|made| made.saturating_add(LIFETIME).is_ok_and(|end| end <= now))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::authentication::testing::{put, store};
    use crate::store::Key;

    #[tokio::test]
    async fn events_end_after_an_hour_and_nothing_else_does() {
        let store = store().await;
        let made = |name: &str, at: &str| json!({"metadata": {"name": name, "namespace": "kube-system", "creationTimestamp": at}});
        let keys = [
            ("/events", "old", "2026-01-01T11:00:00Z"),
            ("/events", "new", "2026-01-01T11:00:01Z"),
            ("/configmaps", "old", "2026-01-01T11:00:00Z"),
        ]
        .map(|(collection, name, at)| (Key::new(collection, "kube-system", name), made(name, at)));
        for (key, object) in keys.clone() {
            put(&store, key, object).await;
        }
        let now = "2026-01-01T12:00:00Z".parse().unwrap();
        forget(&store, now).await.unwrap();
        let left = keys.map(|(key, _)| store.get(&key).is_some());
        assert_eq!(left, [false, true, true]);
    }
}
