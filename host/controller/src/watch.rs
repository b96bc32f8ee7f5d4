//! One watch on one kind, for as long as the process runs: it keeps a cache and tells what changed.

use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt as _;
use kube::ResourceExt as _;
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

impl<K: kube::Resource<DynamicType = ()> + Clone + 'static> CacheWriter<K> {
    /// Takes an event in, and tells what it means. The cache holds what is told: the objects of a list come into it
    /// together when the list is whole, and are told then, the oldest first.
    fn apply(&mut self, event: Event<K>, seen: &mut impl FnMut(Seen<'_, K>)) {
        self.writer.apply_watcher_event(&event);
        match &event {
            Event::Apply(object) => seen(Seen::Changed(object)),
            Event::Delete(object) => seen(Seen::Gone(object)),
            Event::Init | Event::InitApply(_) => {}
            Event::InitDone => {
                self.filled.send_replace(true);
                let mut objects = self.writer.as_reader().state();
                objects.sort_by_key(|object| object.creation_timestamp());
                for object in objects {
                    seen(Seen::Changed(&object));
                }
                seen(Seen::Listed);
            }
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
            Some(Ok(event)) => cache.apply(event, &mut seen),
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::api::core::v1::Node;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn node(name: &str, created: i64) -> Node {
        let mut node = Node::default();
        node.metadata.name = Some(name.to_owned());
        let created = Timestamp::from_second(created).unwrap();
        node.metadata.creation_timestamp = Some(Time(created));
        node
    }

    #[test]
    fn whoever_is_told_of_an_object_finds_it_in_the_cache() {
        let (cache, mut writer) = cache::<Node>();
        let mut told = Vec::new();
        let events = [
            Event::Init,
            Event::InitApply(node("a", 3)),
            Event::InitDone,
            Event::Apply(node("b", 4)),
            // The watch broke, and everything is listed again.
            Event::Init,
            Event::InitApply(node("c", 2)),
            Event::InitApply(node("d", 1)),
            Event::InitApply(node("a", 3)),
            Event::InitDone,
            Event::Delete(node("c", 2)),
        ];
        for event in events {
            writer.apply(event, &mut |seen| {
                told.push(match seen {
                    Seen::Changed(node) => {
                        let name = node.name_any();
                        assert!(cache.get(&name).is_some(), "{name}");
                        name
                    }
                    Seen::Gone(node) => format!("{} is gone", node.name_any()),
                    Seen::Listed => "listed".to_owned(),
                })
            });
        }
        assert_eq!(
            told,
            ["a", "listed", "b", "d", "c", "a", "listed", "c is gone"]
        );
    }
}
