//! How many certificate signing requests of each requester wait for a decision.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use futures::FutureExt as _;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use tokio::task::unconstrained;

use super::certificate_request::is_pending;
use crate::authorization::resources;
use crate::status::Status;
use crate::store::{Event, EventKind, Record, Scope, Store, Watch};

/// How long a client is told to wait when too many of its requests are pending, in seconds. Somebody
/// has to decide about them first.
const WAIT_SECONDS: u32 = 10;

/// Counts pending requests. Caught up with the store whenever it is asked, so that counting costs as
/// much as what has changed since; requests that are admitted at the same moment do not see each other.
pub(crate) struct PendingRequests {
    store: Store,
    limit: usize,
    index: Mutex<Option<Index>>,
}

/// The pending requests, as of the last event read.
struct Index {
    watch: Watch,
    by_requester: HashMap<String, HashSet<String>>,
}

impl PendingRequests {
    pub(crate) fn new(store: Store, limit: usize) -> Self {
        Self {
            store,
            limit,
            index: Mutex::default(),
        }
    }

    /// Whether the requester may have one more.
    ///
    /// # Errors
    /// 429 when the bound is reached.
    pub(crate) fn check(&self, requester: &str) -> Result<(), Status> {
        let pending = self.count(requester);
        if pending < self.limit {
            return Ok(());
        }
        Err(Status::too_many_requests(
            format!(
                "{pending} certificate signing requests of {requester:?} wait for a decision already; at most {} may",
                self.limit
            ),
            WAIT_SECONDS,
        ))
    }

    fn count(&self, requester: &str) -> usize {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let mut current = match index.take() {
            Some(index) => index,
            None => Index::build(&self.store),
        };
        if !current.catch_up() {
            current = Index::build(&self.store);
        }
        let count = current.by_requester.get(requester).map_or(0, HashSet::len);
        *index = Some(current);
        count
    }
}

impl Index {
    fn build(store: &Store) -> Self {
        let collection = format!("{}/{}", resources::CERTIFICATES, resources::REQUESTS);
        let (listing, watch) = store.list_and_watch(Scope::all(&collection));
        let mut index = Self {
            watch,
            by_requester: HashMap::new(),
        };
        for record in &listing.records {
            index.insert(record);
        }
        index
    }

    /// Reads what has happened; false when something was missed.
    fn catch_up(&mut self) -> bool {
        // Unconstrained: tokio would say "nothing now" after a while, for the sake of other tasks.
        while let Some(next) = unconstrained(self.watch.next_event()).now_or_never() {
            match next {
                Some(event) => self.apply(&event),
                None => return false,
            }
        }
        true
    }

    fn apply(&mut self, event: &Event) {
        if let Some(previous) = &event.previous {
            self.remove(previous);
        }
        if event.kind != EventKind::Deleted {
            self.insert(&event.record);
        }
    }

    fn insert(&mut self, record: &Record) {
        if let Some(requester) = pending_requester(record) {
            self.by_requester
                .entry(requester)
                .or_default()
                .insert(record.key.name.to_string());
        }
    }

    fn remove(&mut self, record: &Record) {
        let Some(requester) = pending_requester(record) else {
            return;
        };
        if let Some(names) = self.by_requester.get_mut(&requester) {
            names.remove(&*record.key.name);
            if names.is_empty() {
                self.by_requester.remove(&requester);
            }
        }
    }
}

/// Who asks, where nothing has been decided yet.
fn pending_requester(record: &Record) -> Option<String> {
    let request: CertificateSigningRequest = serde_json::from_slice(&record.json).ok()?;
    is_pending(&request)
        .then_some(request.spec.username)
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::authentication::testing::{put, store};
    use crate::store::{Action, Key, Write};

    fn key(name: &str) -> Key {
        Key::new("certificates.k8s.io/certificatesigningrequests", "", name)
    }

    async fn put_request(store: &Store, name: &str, requester: &str, conditions: &[&str]) {
        let conditions: Vec<_> = conditions
            .iter()
            .map(|type_| json!({"type": type_, "status": "True"}))
            .collect();
        let request = json!({
            "metadata": {"name": name},
            "spec": {"username": requester, "request": "", "signerName": "a.b/c"},
            "status": {"conditions": conditions},
        });
        put(store, key(name), request).await;
    }

    #[tokio::test]
    async fn a_decision_or_a_delete_makes_room() {
        let store = store().await;
        put_request(&store, "before", "a", &[]).await;
        let pending = PendingRequests::new(store.clone(), 2);
        assert_eq!(pending.check("a"), Ok(()));
        put_request(&store, "after", "a", &[]).await;
        let refused = pending.check("a").unwrap_err();
        assert_eq!(refused.code(), 429);
        assert!(refused.retry_after_seconds().is_some());
        assert_eq!(pending.check("b"), Ok(()));
        put_request(&store, "after", "a", &["Approved"]).await;
        assert_eq!(pending.check("a"), Ok(()));
        put_request(&store, "third", "a", &["slipway.dev/Reviewed"]).await;
        assert!(pending.check("a").is_err());
        let write = Write {
            action: Action::Delete {
                expected: store.get(&key("third")).unwrap().revision,
                only_if_empty: false,
            },
            key: key("third"),
            namespace: None,
        };
        store.write(write).await.unwrap();
        assert_eq!(pending.check("a"), Ok(()));
    }

    #[tokio::test]
    async fn what_was_missed_is_counted_anew() {
        let store = store().await;
        let pending = PendingRequests::new(store.clone(), 1_000_000);
        assert_eq!(pending.count("a"), 0);
        // More than a watch may fall behind.
        for index in 0..5000 {
            put_request(&store, &format!("r{index}"), "a", &[]).await;
        }
        assert_eq!(pending.count("a"), 5000);
    }
}
