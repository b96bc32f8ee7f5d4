//! Which nodes there are and what they are reached at, as of now, however many there are (ADR 20).
//!
//! Of one node the API is asked. Whose an address is it cannot be asked without listing all nodes, so that an index follows
//! them. The index answers only once it is known to hold whatever the API held when the question was put: a list of one
//! node tells the resource version of that moment, and the watch says which version it has come to. Resource versions of a
//! resource can be compared (KEP-5504). Where the watch lags, or there is none, all nodes are listed.

mod index;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::runtime::watcher::DefaultBackoff;
use slipway_config::endpoint::Host;
use slipway_config::name::NodeName;
use slipway_pki::guardrail::KnownNode;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use self::index::Index;
use crate::error::{During as _, Error};
use crate::measures;
use crate::sharing::Reads;

/// Nodes that are listed at a time; where there are no more than these, a list costs less than finding out whether the index
/// is fresh.
const PAGE: u32 = 500;

/// What is known of the nodes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Nodes {
    api: Api<Node>,
    followed: Arc<watch::Sender<Option<Followed>>>,
    /// Told when the index cannot be right any more.
    mistaken: Arc<Notify>,
    versions: Arc<Reads<Option<u64>>>,
    lists: Arc<Reads<Arc<Index>>>,
}

/// What the watch has seen.
struct Followed {
    index: Index,
    /// Nothing up to this resource version is missing.
    version: u64,
    /// How long it took to list the nodes: waiting for the watch any longer makes no sense.
    listed_in: Duration,
}

impl Nodes {
    /// Nodes over this client.
    pub(crate) fn new(client: kube::Client) -> Self {
        Self {
            api: Api::all(client),
            followed: Arc::new(watch::Sender::new(None)),
            mistaken: Arc::default(),
            versions: Arc::default(),
            lists: Arc::default(),
        }
    }

    /// The node of this name, if there is one.
    pub(crate) async fn named(&self, name: &NodeName) -> Result<Option<KnownNode>, Error> {
        let node = self.api.get_opt(name.as_str()).await;
        let node = node.during("read", format_args!("Node {name}"))?;
        Ok(node.as_ref().and_then(known))
    }

    /// The node of this name, and whoever is reached at one of these, which are in canonical form.
    pub(crate) async fn reached_at(
        &self,
        name: &NodeName,
        hosts: &[Host],
    ) -> Result<Vec<KnownNode>, Error> {
        if let Some(found) = self.look_up(name, hosts).await? {
            return Ok(found);
        }
        // Once for all requests that are looked at together: there may be thousands of both.
        let list = async { self.list().await.map(|(index, _)| Arc::new(index)) };
        let all = self.lists.read("all", list).await?;
        Ok(all.reached_at(name, hosts))
    }

    /// What the index says, if it is as fresh as a list would be.
    async fn look_up(
        &self,
        name: &NodeName,
        hosts: &[Host],
    ) -> Result<Option<Vec<KnownNode>>, Error> {
        let (before, patience) = match &*self.followed.borrow() {
            Some(followed) if followed.index.len() > PAGE as usize => {
                (followed.version, followed.listed_in)
            }
            _ => return Ok(None),
        };
        let Some(now) = self.versions.read("newest", self.newest()).await? else {
            return Ok(None);
        };
        if now < before {
            // The API was set back, to a backup maybe, and will reach the same numbers with other nodes.
            self.mistaken.notify_one();
            return Ok(None);
        }
        let mut followed = self.followed.subscribe();
        let fresh = followed.wait_for(|followed| {
            followed
                .as_ref()
                .is_some_and(|followed| followed.version >= now)
        });
        match tokio::time::timeout(patience, fresh).await {
            Ok(Ok(followed)) => Ok(followed
                .as_ref()
                .map(|followed| followed.index.reached_at(name, hosts))),
            Ok(Err(_)) | Err(_) => Ok(None),
        }
    }

    /// The resource version of the nodes now; none where it is no number.
    async fn newest(&self) -> Result<Option<u64>, Error> {
        let one = ListParams::default().limit(1);
        let one = self.api.list_metadata(&one).await.during("list", "Nodes")?;
        let version = one.metadata.resource_version.unwrap_or_default();
        Ok(version.parse().ok())
    }

    /// All nodes at one moment, and the resource version of that moment.
    async fn list(&self) -> Result<(Index, String), Error> {
        let mut index = Index::default();
        let mut page = ListParams::default().limit(PAGE);
        loop {
            let nodes = self.api.list(&page).await.during("list", "Nodes")?;
            nodes.items.iter().filter_map(known).for_each(|node| {
                index.put(node);
            });
            let version = nodes.metadata.resource_version.unwrap_or_default();
            match nodes.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return Ok((index, version)),
            }
        }
    }

    /// Keeps the index until `shutdown`. A watch that breaks is taken up again, with back-off.
    pub(crate) async fn follow(self, shutdown: CancellationToken) {
        let mut backoff = DefaultBackoff::default();
        loop {
            let ended = tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.mistaken.notified() => Ok(()),
                ended = self.keep() => ended,
            };
            self.followed.send_replace(None);
            if let Err(error) = ended {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the watch on nodes broke and is taken up again"
                );
                measures::watch_broke();
            }
            let pause = tokio::time::sleep(backoff.next().unwrap_or_default());
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = pause => {}
            }
        }
    }

    /// Keeps the index until the history that the watch goes along is lost.
    async fn keep(&self) -> Result<(), Error> {
        let began = Instant::now();
        let (index, mut version) = self.list().await?;
        let Ok(number) = version.parse() else {
            // Nothing can be said of what is older and what is newer: every question is a list.
            return std::future::pending().await;
        };
        self.followed.send_replace(Some(Followed {
            index,
            version: number,
            listed_in: began.elapsed(),
        }));
        loop {
            let events = self.api.watch(&WatchParams::default(), &version).await;
            let mut events = std::pin::pin!(events.during("watch", "Nodes")?);
            while let Some(event) = events.try_next().await.during("watch", "Nodes")? {
                version = match &event {
                    WatchEvent::Added(node)
                    | WatchEvent::Modified(node)
                    | WatchEvent::Deleted(node) => node.resource_version().unwrap_or_default(),
                    WatchEvent::Bookmark(mark) => mark.metadata.resource_version.clone(),
                    // The history does not go back as far; or whatever else: a list mends it.
                    WatchEvent::Error(_) => return Ok(()),
                };
                let Ok(number) = version.parse() else {
                    return Ok(());
                };
                self.followed.send_modify(|followed| {
                    if let Some(followed) = followed {
                        followed.index.apply(&event);
                        followed.version = number;
                    }
                });
            }
        }
    }
}

impl Index {
    fn apply(&mut self, event: &WatchEvent<Node>) {
        match event {
            WatchEvent::Added(node) | WatchEvent::Modified(node) => {
                if let Some(node) = known(node) {
                    self.put(node);
                }
            }
            WatchEvent::Deleted(node) => self.remove(&node.name_any()),
            WatchEvent::Bookmark(_) | WatchEvent::Error(_) => {}
        }
    }
}

fn known(node: &Node) -> Option<KnownNode> {
    let name = node.name_any().parse().ok()?;
    let addresses = node
        .status
        .iter()
        .flat_map(|status| status.addresses.iter().flatten());
    let addresses = addresses.map(|address| address.address.as_str());
    Some(KnownNode::new(name, addresses))
}
