//! The store's memory: the current objects, the history, the subscribers. One lock guards all three,
//! so that a reader sees them at one moment.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::error::OutOfHistory;
use super::history::{History, HistoryLimits};
use super::hub::Hub;
use super::record::{Event, Record};
use super::{Key, Scope};

/// An object's namespace and name.
type Place = (Arc<str>, Arc<str>);

/// The objects of a collection.
type Collection = BTreeMap<Place, Arc<Record>>;

/// The state behind its lock. No await and no I/O happens under it.
#[derive(Debug)]
pub(super) struct Shared(RwLock<State>);

/// Everything at one moment.
#[derive(Debug)]
pub(super) struct State {
    collections: HashMap<Arc<str>, Collection>,
    pub(super) history: History,
    pub(super) hub: Hub,
}

/// Objects at one moment, in order of namespace and name.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    /// The moment.
    pub(crate) revision: u64,
    /// The objects.
    pub(crate) records: Vec<Arc<Record>>,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self(RwLock::new(state))
    }

    /// A panic elsewhere does not leave the state half-changed: it is changed by moves only.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn new(revision: u64, records: Vec<Record>, limits: HistoryLimits) -> Self {
        let mut state = Self {
            collections: HashMap::new(),
            history: History::new(limits, revision),
            hub: Hub::default(),
        };
        for record in records {
            state.insert(Arc::new(record));
        }
        state
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Arc<Record>> {
        self.collections
            .get(&key.collection)?
            .get(&(Arc::clone(&key.namespace), Arc::clone(&key.name)))
    }

    /// What a scope holds now, after a key if one is given.
    pub(super) fn list(&self, scope: &Scope, after: Option<&Key>) -> Listing {
        let records = match self.one_cluster_wide(scope, after) {
            Some(record) => vec![Arc::clone(record)],
            None => self
                .collections
                .get(&scope.collection)
                .into_iter()
                .flat_map(|collection| collection.range(range(scope, after)))
                .take_while(|((namespace, _), _)| {
                    scope
                        .namespace
                        .as_ref()
                        .is_none_or(|only| only == namespace)
                })
                .filter(|((_, name), _)| scope.name.as_ref().is_none_or(|only| only == name))
                .map(|(_, record)| Arc::clone(record))
                .collect(),
        };
        Listing {
            revision: self.history.newest(),
            records,
        }
    }

    /// The only cluster-wide object that a scope can hold, found without looking at the others: a
    /// storm of nodes that each watch their own request must not look at all requests each.
    fn one_cluster_wide(&self, scope: &Scope, after: Option<&Key>) -> Option<&Arc<Record>> {
        let name = scope.name.as_ref()?;
        if scope.namespace.is_some() || after.is_some() {
            return None;
        }
        let place = (Arc::from(""), Arc::clone(name));
        self.collections.get(&scope.collection)?.get(&place)
    }

    /// What a scope held at a revision, after a key if one is given.
    pub(super) fn list_at(
        &self,
        revision: u64,
        scope: &Scope,
        after: Option<&Key>,
    ) -> Result<Listing, OutOfHistory> {
        let undo = self.history.undo(revision, scope)?;
        let mut records: Vec<Arc<Record>> = self
            .list(scope, after)
            .records
            .into_iter()
            .filter(|record| !undo.contains_key(&record.key))
            .collect();
        records.extend(
            undo.into_values()
                .flatten()
                .filter(|record| after.is_none_or(|after| record.key > *after)),
        );
        records.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(Listing { revision, records })
    }

    /// Every object in a namespace.
    pub(super) fn keys_in(&self, namespace: &str) -> Vec<Key> {
        let start: Arc<str> = namespace.into();
        self.collections
            .values()
            .flat_map(|collection| {
                collection
                    .range((Arc::clone(&start), Arc::from(""))..)
                    .take_while(|((found, _), _)| *found == start)
                    .map(|(_, record)| record.key.clone())
            })
            .collect()
    }

    /// Makes a durable event visible.
    pub(super) fn apply(&mut self, event: Arc<Event>) {
        match event.after() {
            Some(record) => self.insert(Arc::clone(record)),
            None => self.remove(&event.record.key),
        }
        self.hub.publish(&event);
        self.history.push(event);
    }

    fn insert(&mut self, record: Arc<Record>) {
        let key = &record.key;
        self.collections
            .entry(Arc::clone(&key.collection))
            .or_default()
            .insert((Arc::clone(&key.namespace), Arc::clone(&key.name)), record);
    }

    fn remove(&mut self, key: &Key) {
        if let Some(collection) = self.collections.get_mut(&key.collection) {
            collection.remove(&(Arc::clone(&key.namespace), Arc::clone(&key.name)));
        }
    }
}

/// The first key of a scope, or the first after another one.
fn range(scope: &Scope, after: Option<&Key>) -> (Bound<Place>, Bound<Place>) {
    let empty = || Arc::from("");
    let start = match (after, &scope.namespace, &scope.name) {
        (Some(key), _, _) => Bound::Excluded((Arc::clone(&key.namespace), Arc::clone(&key.name))),
        (None, Some(namespace), Some(name)) => {
            Bound::Included((Arc::clone(namespace), Arc::clone(name)))
        }
        (None, Some(namespace), None) => Bound::Included((Arc::clone(namespace), empty())),
        (None, None, _) => Bound::Unbounded,
    };
    (start, Bound::Unbounded)
}
