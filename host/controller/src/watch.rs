//! One watch on one kind, for as long as the process runs: it keeps a cache and tells what changed.

use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt as _;
use kube::api::Api;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, Event, watcher};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::measures;

/// What is known of a kind: whatever its watch has seen so far. Cheap to clone.
pub(crate) struct Cache<K: kube::Resource<DynamicType = ()> + 'static> {
    store: Store<K>,
    filled: tokio::sync::watch::Receiver<bool>,
}

/// The side of a cache that its watch writes to.
pub(crate) struct CacheWriter<K: kube::Resource<DynamicType = ()> + Clone + 'static> {
    writer: Writer<K>,
    filled: tokio::sync::watch::Sender<bool>,
}

/// An empty cache and its writer.
pub(crate) fn cache<K>() -> (Cache<K>, CacheWriter<K>)
where
    K: kube::Resource<DynamicType = ()> + Clone + 'static,
{
    let (store, writer) = reflector::store();
    let (fill, filled) = tokio::sync::watch::channel(false);
    let writer = CacheWriter {
        writer,
        filled: fill,
    };
    (Cache { store, filled }, writer)
}

impl<K: kube::Resource<DynamicType = ()> + Clone + 'static> Cache<K> {
    /// The object of this name, which has no namespace; none where it was not seen, or is gone.
    pub(crate) fn get(&self, name: &str) -> Option<K> {
        let object = self.store.get(&ObjectRef::new(name));
        object.map(Arc::unwrap_or_clone)
    }

    /// Everything that is there.
    pub(crate) fn state(&self) -> Vec<Arc<K>> {
        self.store.state()
    }

    /// Waits until everything has been seen once; what is decided from less would be wrong. Returns whether to go on.
    ///
    /// The store's own `wait_until_ready` wakes one of several that wait.
    pub(crate) async fn is_filled(&self, shutdown: &CancellationToken) -> bool {
        let mut filled = self.filled.clone();
        let filled = filled.wait_for(|filled| *filled);
        tokio::select! {
            () = shutdown.cancelled() => false,
            filled = filled => filled.is_ok(),
        }
    }
}

impl<K: kube::Resource<DynamicType = ()> + Clone + 'static> Clone for Cache<K> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            filled: self.filled.clone(),
        }
    }
}

/// What a watch saw.
pub(crate) enum Seen<'a, K> {
    /// An object is there, and may be new or different.
    Changed(&'a K),
    /// An object was deleted while the watch looked on.
    Gone(&'a K),
    /// Everything there is has been seen; what was there earlier and was not among it is gone.
    Listed,
}

/// Watches until `shutdown`. A watch that breaks is taken up again, with back-off.
pub(crate) async fn follow<K>(
    api: Api<K>,
    config: watcher::Config,
    mut cache: CacheWriter<K>,
    shutdown: CancellationToken,
    mut seen: impl FnMut(Seen<'_, K>),
) where
    K: kube::Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let mut events = watcher(api, config).default_backoff().boxed();
    loop {
        let event = tokio::select! {
            () = shutdown.cancelled() => return,
            event = events.next() => event,
        };
        match event {
            Some(Ok(event)) => {
                cache.writer.apply_watcher_event(&event);
                if matches!(event, Event::InitDone) {
                    cache.filled.send_replace(true);
                }
                match &event {
                    Event::Apply(object) | Event::InitApply(object) => seen(Seen::Changed(object)),
                    Event::Delete(object) => seen(Seen::Gone(object)),
                    Event::InitDone => seen(Seen::Listed),
                    Event::Init => {}
                }
            }
            Some(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a watch broke and is taken up again"
                );
                measures::watch_broke();
            }
            None => return,
        }
    }
}
