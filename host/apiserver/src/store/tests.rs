use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use serde_json::json;

use super::*;
use crate::resource::Object;

mod damage;
mod durability;
mod history;
mod model;
mod writes;

const COLLECTION: &str = "/configmaps";

fn key(name: &str) -> Key {
    Key::new(COLLECTION, "ns", name)
}

fn object(name: &str, text: &str) -> Object {
    Object::from_value(json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "ns"}, "data": {"text": text}
    }))
    .unwrap()
}

pub(crate) fn create(name: &str, text: &str) -> Write {
    Write {
        key: key(name),
        action: Action::Create(object(name, text)),
        namespace: None,
    }
}

fn update(name: &str, expected: u64, text: &str) -> Write {
    Write {
        key: key(name),
        action: Action::Update {
            expected,
            object: object(name, text),
        },
        namespace: None,
    }
}

fn delete(name: &str, expected: u64) -> Write {
    Write {
        key: key(name),
        action: Action::Delete {
            expected,
            only_if_empty: false,
        },
        namespace: None,
    }
}

fn text(record: &Record) -> String {
    record
        .object()
        .unwrap()
        .text_at(&["data", "text"])
        .to_owned()
}

fn texts(listing: &Listing) -> Vec<String> {
    listing.records.iter().map(|record| text(record)).collect()
}

fn everything() -> Scope {
    Scope::all(COLLECTION)
}

fn memory() -> Store {
    Store::in_memory(HistoryLimits::default()).unwrap()
}

/// A disk that can be full, and whose content survives a reopening. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    content: Arc<InMemoryBackend>,
    full: Arc<AtomicBool>,
    writes: Arc<AtomicUsize>,
}

impl Disk {
    /// The store on it.
    pub(crate) fn store(&self) -> Store {
        Store::start(self.load(), Path::new("test"), HistoryLimits::default()).unwrap()
    }

    /// What is on it.
    pub(super) fn load(&self) -> Loaded {
        let disk = self.clone();
        Database::over(move || disk.clone()).unwrap()
    }

    /// Lets writes fail from now on, or work again.
    pub(crate) fn fill(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// How often something was written.
    pub(super) fn written(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    fn check(&self) -> std::io::Result<()> {
        if self.full.load(Ordering::SeqCst) {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> std::io::Result<u64> {
        self.content.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.content.read(offset, out)
    }
    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.check()?;
        self.content.set_len(len)
    }
    fn sync_data(&self) -> std::io::Result<()> {
        self.check()?;
        self.content.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.check()?;
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.content.write(offset, data)
    }
}
