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
    /// How many more there are after these.
    pub(crate) beyond: usize,
}

/// Which objects of a scope are wanted, in order of namespace and name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    /// Only those after this one.
    pub(crate) after: Option<&'a Key>,
    /// At most so many.
    pub(crate) most: usize,
}

impl Part<'_> {
    /// All of them.
    pub(crate) const ALL: Self = Self {
        after: None,
        most: usize::MAX,
    };
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

    /// What a part of a scope holds now.
    pub(super) fn list(&self, scope: &Scope, part: Part<'_>) -> Listing {
        let revision = self.history.newest();
        if let Some(record) = self.one_cluster_wide(scope, part.after) {
            return Listing {
                revision,
                records: vec![Arc::clone(record)],
                beyond: 0,
            };
        }
        let collection = self.collections.get(&scope.collection);
        let mut all = collection
            .into_iter()
            .flat_map(|collection| collection.range(range(scope, part.after)))
            .take_while(|((namespace, _), _)| {
                scope
                    .namespace
                    .as_ref()
                    .is_none_or(|only| only == namespace)
            })
            .filter(|((_, name), _)| scope.name.as_ref().is_none_or(|only| only == name))
            .map(|(_, record)| record);
        let records: Vec<_> = all.by_ref().take(part.most).cloned().collect();
        // The first part of many is asked for just to learn the revision: it does not count them.
        let beyond = match (collection, part.after) {
            (Some(collection), None) if scope.is_everything() => collection.len() - records.len(),
            _ => all.count(),
        };
        Listing {
            revision,
            records,
            beyond,
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

    /// What a part of a scope held at a revision.
    pub(super) fn list_at(
        &self,
        revision: u64,
        scope: &Scope,
        part: Part<'_>,
    ) -> Result<Listing, OutOfHistory> {
        let undo = self.history.undo(revision, scope)?;
        // Each that was touched since may stand in the place of one that was there.
        let most = part.most.saturating_add(undo.len());
        let now = self.list(scope, Part { most, ..part });
        let last = now.records.last().map(|record| record.key.clone());
        let last = last.filter(|_| now.beyond > 0);
        let mut beyond = now.beyond;
        let mut records = now.records;
        records.retain(|record| !undo.contains_key(&record.key));
        for (key, before) in undo {
            if part.after.is_some_and(|after| key <= *after) {
                continue;
            }
            let is_beyond = last.as_ref().is_some_and(|last| key > *last);
            if is_beyond && self.get(&key).is_some() {
                beyond -= 1;
            }
            records.extend(before);
        }
        records.sort_by(|one, other| one.key.cmp(&other.key));
        beyond += records.len().saturating_sub(part.most);
        records.truncate(part.most);
        Ok(Listing {
            revision,
            records,
            beyond,
        })
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
