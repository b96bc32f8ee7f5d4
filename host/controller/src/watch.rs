//! One watch on one kind, for as long as the process runs: it keeps a cache and tells what changed.

use std::fmt::Debug;
use std::hash::Hash;

use futures::StreamExt as _;
use kube::api::Api;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::{self, Event, watcher};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

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
    mut cache: Writer<K>,
    shutdown: CancellationToken,
    mut seen: impl FnMut(Seen<'_, K>),
) where
    K: kube::Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    let mut events = watcher(api, config).default_backoff().boxed();
    loop {
        let event = tokio::select! {
            () = shutdown.cancelled() => return,
            event = events.next() => event,
        };
        match event {
            Some(Ok(event)) => {
                cache.apply_watcher_event(&event);
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
            }
            None => return,
        }
    }
}
