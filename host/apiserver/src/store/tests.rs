use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use serde_json::json;

use super::*;
use crate::resource::Object;

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

fn create(name: &str, text: &str) -> Write {
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

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&path, HistoryLimits::default()).unwrap();
    assert_eq!(store.revision(), 1);
    let a = store.write(create("a", "1")).await.unwrap();
    store.write(create("b", "1")).await.unwrap();
    store.write(update("a", a.revision(), "2")).await.unwrap();
    let b = store.get(&key("b")).unwrap();
    store.write(delete("b", b.revision)).await.unwrap();
    assert_eq!(store.revision(), 5);
    drop(store);

    let store = Store::open(&path, HistoryLimits::default()).unwrap();
    // A deleted object's revision is not given out again.
    assert_eq!(store.revision(), 5);
    let a = store.get(&key("a")).unwrap();
    assert_eq!((text(&a), a.revision), ("2".to_owned(), 4));
    assert!(store.get(&key("b")).is_none());
    assert_eq!(store.write(create("c", "")).await.unwrap().revision(), 6);
    // What happened before is not in the history of this process.
    assert_eq!(
        store.watch(everything(), 4).unwrap_err(),
        OutOfHistory {
            wanted: 4,
            oldest: 5,
            newest: 6
        }
    );
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[tokio::test]
async fn a_crash_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&path, HistoryLimits::default()).unwrap();
    for index in 0..20_u64 {
        let name = format!("n{index}");
        let revision = store.write(create(&name, "1")).await.unwrap().revision();
        // What a crash at this moment leaves behind: the file of a store that was never closed.
        let crashed = folder.path().join(format!("{index}.redb"));
        std::fs::copy(&path, &crashed).unwrap();
        let recovered = Store::open(&crashed, HistoryLimits::default()).unwrap();
        assert_eq!(recovered.revision(), revision);
        let found = recovered.list(&everything(), None).records.len();
        assert_eq!(found as u64, index + 1);
        recovered.write(create("after", "")).await.unwrap();
    }
}

#[test]
fn a_store_in_use_is_not_opened_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let _store = Store::open(&path, HistoryLimits::default()).unwrap();
    let error = Store::open(&path, HistoryLimits::default()).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!("the store {} is in use by another process", path.display())
    );
}

#[test]
fn what_is_no_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    for content in ["", "x", &"x".repeat(64 * 1024)] {
        std::fs::write(&path, content).unwrap();
        let error = Store::open(&path, HistoryLimits::default()).unwrap_err();
        assert!(
            matches!(error, OpenError::Foreign { .. }),
            "{} bytes: {error:?}",
            content.len()
        );
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
    let error = Store::open(folder.path(), HistoryLimits::default()).unwrap_err();
    assert!(matches!(error, OpenError::NotAFile { .. }), "{error:?}");
    let absent = folder.path().join("absent").join("store.redb");
    let error = Store::open(&absent, HistoryLimits::default()).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
}

#[test]
fn another_programs_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let table: redb::TableDefinition<'_, &str, &str> = redb::TableDefinition::new("theirs");
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(table)
        .unwrap()
        .insert("a", "b")
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = Store::open(&path, HistoryLimits::default()).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    drop(Store::open(&path, HistoryLimits::default()).unwrap());
    let meta: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("meta");
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(meta)
        .unwrap()
        .insert("format", 2)
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = Store::open(&path, HistoryLimits::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the store {} has format 2, and this version of Slipway reads format 1",
            path.display()
        )
    );
}

#[tokio::test]
async fn a_damaged_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&path, HistoryLimits::default()).unwrap();
    let marker = "a-text-that-is-nowhere-else";
    store.write(create("a", marker)).await.unwrap();
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let at: Vec<usize> = bytes
        .windows(marker.len())
        .enumerate()
        .filter(|(_, window)| *window == marker.as_bytes())
        .map(|(index, _)| index)
        .collect();
    assert!(!at.is_empty());
    for index in at {
        bytes[index] = b'A';
    }
    std::fs::File::create(&path)
        .unwrap()
        .write_all(&bytes)
        .unwrap();
    let error = Store::open(&path, HistoryLimits::default()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
}

#[tokio::test]
async fn writes_are_compared_and_set() {
    let store = memory();
    let a = store.write(create("a", "1")).await.unwrap();
    assert!(matches!(
        store.write(create("a", "2")).await,
        Err(WriteError::Exists(found)) if found.revision == a.revision()
    ));
    assert!(matches!(
        store.write(update("b", 2, "")).await,
        Err(WriteError::Missing)
    ));
    assert!(matches!(
        store.write(update("a", 1, "")).await,
        Err(WriteError::Changed(found)) if found.revision == a.revision()
    ));
    assert!(matches!(
        store.write(delete("a", 1)).await,
        Err(WriteError::Changed(_))
    ));
    assert_eq!(text(&store.get(&key("a")).unwrap()), "1");
    assert_eq!(store.revision(), 2);
}

#[tokio::test]
async fn a_namespace_guards_what_is_in_it() {
    let store = memory();
    let namespace = Key::new("/namespaces", "", "ns");
    let guarded = |name: &str| Write {
        namespace: Some(namespace.clone()),
        ..create(name, "")
    };
    let namespace_write = |action| Write {
        key: namespace.clone(),
        action,
        namespace: None,
    };
    let end = |expected| {
        namespace_write(Action::Delete {
            expected,
            only_if_empty: true,
        })
    };
    assert!(matches!(
        store.write(guarded("a")).await,
        Err(WriteError::NoNamespace)
    ));
    let made = json!({"metadata": {"name": "ns"}});
    let made = namespace_write(Action::Create(Object::from_value(made).unwrap()));
    let revision = store.write(made).await.unwrap().revision();
    let a = store.write(guarded("a")).await.unwrap().revision();
    assert!(matches!(
        store.write(end(revision)).await,
        Err(WriteError::NamespaceNotEmpty)
    ));
    let marked = json!({"metadata": {"name": "ns", "deletionTimestamp": "2026-01-01T00:00:00Z"}});
    let marked = namespace_write(Action::Update {
        expected: revision,
        object: Object::from_value(marked).unwrap(),
    });
    let revision = store.write(marked).await.unwrap().revision();
    assert!(matches!(
        store.write(guarded("b")).await,
        Err(WriteError::NamespaceTerminating)
    ));
    store.write(delete("a", a)).await.unwrap();
    store.write(end(revision)).await.unwrap();
    assert!(store.get(&namespace).is_none());
}

#[tokio::test]
async fn many_writers_each_get_their_own_revision() {
    let store = memory();
    let writes = (0..300).map(|index| {
        let store = store.clone();
        tokio::spawn(async move {
            let name = format!("n{index}");
            store.write(create(&name, "")).await.unwrap().revision()
        })
    });
    let mut revisions = Vec::new();
    for write in writes.collect::<Vec<_>>() {
        revisions.push(write.await.unwrap());
    }
    revisions.sort_unstable();
    assert_eq!(revisions, (2..302).collect::<Vec<u64>>());
    assert_eq!(store.list(&everything(), None).records.len(), 300);
}

#[tokio::test]
async fn the_history_is_bounded_in_number_and_size() {
    let few = HistoryLimits {
        events: 3,
        ..HistoryLimits::default()
    };
    let store = Store::in_memory(few).unwrap();
    for index in 0..5 {
        store.write(create(&format!("n{index}"), "")).await.unwrap();
    }
    assert!(store.watch(everything(), 3).is_ok());
    assert_eq!(
        store.watch(everything(), 2).unwrap_err(),
        OutOfHistory {
            wanted: 2,
            oldest: 3,
            newest: 6
        }
    );
    assert!(store.list_at(2, &everything(), None).is_err());
    assert_eq!(store.watch(everything(), 7).unwrap_err().wanted, 7);

    let small = HistoryLimits {
        bytes: 10_000,
        ..HistoryLimits::default()
    };
    let store = Store::in_memory(small).unwrap();
    for index in 0..3 {
        let text = "x".repeat(6000);
        store
            .write(create(&format!("n{index}"), &text))
            .await
            .unwrap();
    }
    assert!(store.watch(everything(), 2).is_err());
    assert!(store.watch(everything(), 3).is_ok());
}

#[tokio::test]
async fn compaction_forgets_what_was() {
    let store = memory();
    for index in 0..3 {
        store.write(create(&format!("n{index}"), "")).await.unwrap();
    }
    store.compact(3);
    assert!(store.watch(everything(), 2).is_err());
    let mut watch = store.watch(everything(), 3).unwrap();
    assert_eq!(watch.next().await.unwrap().revision(), 4);
}

#[tokio::test]
async fn a_watch_sees_its_scope_only_and_tells_its_progress() {
    let store = memory();
    let mut one = store.watch(everything().named("b"), 1).unwrap();
    let mut elsewhere = store.watch(everything().within("other"), 1).unwrap();
    store.write(create("a", "")).await.unwrap();
    store.write(create("b", "")).await.unwrap();
    assert_eq!(one.progress(), None, "an event waits");
    assert_eq!(one.next().await.unwrap().revision(), 3);
    assert_eq!(one.progress(), Some(3));
    assert_eq!(elsewhere.progress(), Some(3));
}

#[tokio::test]
async fn a_watch_that_is_not_read_is_cut_off_and_holds_nobody_up() {
    let store = memory();
    let mut slow = store.watch(everything(), 1).unwrap();
    assert_eq!(store.shared.read().hub.len(), 1);
    for index in 0..1100 {
        store.write(create(&format!("n{index}"), "")).await.unwrap();
    }
    assert_eq!(store.shared.read().hub.len(), 0);
    let mut last = 1;
    while let Some(event) = slow.next().await {
        assert_eq!(event.revision(), last + 1);
        last = event.revision();
    }
    assert_eq!(slow.progress(), None);
    // It goes on where it was cut off.
    let mut again = store.watch(everything(), last).unwrap();
    assert_eq!(again.next().await.unwrap().revision(), last + 1);
    drop(again);
    assert_eq!(store.shared.read().hub.len(), 0);
}

#[tokio::test]
async fn watches_end_when_the_store_closes() {
    let store = memory();
    let mut watch = store.watch(everything(), 1).unwrap();
    drop(store);
    assert!(watch.next().await.is_none());
}

/// A disk that can be full, and whose content survives a reopening.
#[derive(Clone, Debug)]
struct Disk {
    content: Arc<InMemoryBackend>,
    full: Arc<AtomicBool>,
}

impl Disk {
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
        self.content.write(offset, data)
    }
}

#[tokio::test]
async fn a_full_disk_fails_the_write_and_nothing_else() {
    let disk = Disk {
        content: Arc::new(InMemoryBackend::new()),
        full: Arc::default(),
    };
    let full = Arc::clone(&disk.full);
    let backend = disk.clone();
    let loaded = Database::over(move || backend.clone()).unwrap();
    let store = Store::start(loaded, Path::new("test"), HistoryLimits::default()).unwrap();
    store.write(create("a", "1")).await.unwrap();
    let mut watch = store.watch(everything(), 2).unwrap();

    full.store(true, Ordering::SeqCst);
    for name in ["b", "c"] {
        let error = store.write(create(name, "1")).await.unwrap_err();
        assert!(matches!(error, WriteError::Storage(_)), "{error:?}");
    }
    assert!(store.get(&key("b")).is_none());
    assert_eq!(text(&store.get(&key("a")).unwrap()), "1");
    assert_eq!(store.revision(), 2);

    full.store(false, Ordering::SeqCst);
    let revision = store.write(create("d", "1")).await.unwrap().revision();
    assert_eq!(watch.next().await.unwrap().revision(), 3);
    // Memory and disk agree, whatever became of the failed writes.
    let seen: Vec<Record> = store
        .list(&everything(), None)
        .records
        .iter()
        .map(|record| (**record).clone())
        .collect();
    drop(store);
    let loaded = Database::over(move || disk.clone()).unwrap();
    assert_eq!(loaded.revision, revision);
    assert_eq!(loaded.records, seen);
}

/// What a model test does next; `fresh` tells whether it knows the current revision.
#[derive(Clone, Debug)]
enum Step {
    Create(u8),
    Update(u8, bool),
    Delete(u8, bool),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..4_u8;
    prop_oneof![
        4 => name.clone().prop_map(Step::Create),
        4 => (name.clone(), prop::bool::weighted(0.8)).prop_map(|(n, f)| Step::Update(n, f)),
        3 => (name, prop::bool::weighted(0.8)).prop_map(|(n, f)| Step::Delete(n, f)),
        1 => Just(Step::Reopen),
    ]
}

/// What a store should hold: name to revision and text, and all of that at every revision.
#[derive(Default)]
struct Model {
    now: BTreeMap<String, (u64, String)>,
    at: BTreeMap<u64, BTreeMap<String, (u64, String)>>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_store_behaves_like_its_model(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(against_the_model(steps));
    }
}

async fn against_the_model(steps: Vec<Step>) {
    let content = Arc::new(InMemoryBackend::new());
    let open = || {
        let disk = Disk {
            content: Arc::clone(&content),
            full: Arc::default(),
        };
        let loaded = Database::over(move || disk.clone()).unwrap();
        Store::start(loaded, Path::new("test"), HistoryLimits::default()).unwrap()
    };
    let mut store = open();
    let mut model = Model::default();
    let mut oldest = store.revision();
    model.at.insert(oldest, BTreeMap::new());
    let replayed = Mutex::new(BTreeMap::<String, (u64, String)>::new());
    let mut watch = store.watch(everything(), oldest).unwrap();
    for (index, step) in steps.into_iter().enumerate() {
        let content = format!("text {index}");
        let (name, write) = match step {
            Step::Reopen => {
                drop(watch);
                drop(store);
                store = open();
                oldest = store.revision();
                watch = store.watch(everything(), oldest).unwrap();
                continue;
            }
            Step::Create(n) => (format!("n{n}"), create(&format!("n{n}"), &content)),
            Step::Update(n, fresh) => {
                let name = format!("n{n}");
                let expected = expected(&model, &name, fresh);
                (name.clone(), update(&name, expected, &content))
            }
            Step::Delete(n, fresh) => {
                let name = format!("n{n}");
                let expected = expected(&model, &name, fresh);
                (name.clone(), delete(&name, expected))
            }
        };
        let current = model.now.get(&name).map(|(revision, _)| *revision);
        let should_work = match &write.action {
            Action::Create(_) => current.is_none(),
            Action::Update { expected, .. } | Action::Delete { expected, .. } => {
                current == Some(*expected)
            }
        };
        let removes = matches!(write.action, Action::Delete { .. });
        match store.write(write).await {
            Ok(event) => {
                assert!(should_work, "{name} at {current:?}");
                let revision = event.revision();
                assert_eq!(revision, model.at.last_key_value().unwrap().0 + 1);
                if removes {
                    model.now.remove(&name);
                } else {
                    model.now.insert(name, (revision, content));
                }
                model.at.insert(revision, model.now.clone());
                // The watch sees exactly this, in this order.
                let seen = watch.next().await.unwrap();
                assert_eq!(seen.revision(), revision);
                replay(&mut replayed.lock().unwrap(), &seen);
            }
            Err(_) => assert!(!should_work, "{name} at {current:?}"),
        }
        assert_eq!(watch.progress(), Some(store.revision()));
    }
    assert_eq!(*replayed.lock().unwrap(), model.now);
    assert_eq!(snapshot(&store.list(&everything(), None)), model.now);
    for (revision, objects) in model.at.range(oldest..) {
        let listing = store.list_at(*revision, &everything(), None).unwrap();
        assert_eq!(snapshot(&listing), *objects, "at {revision}");
        // A watch from any moment leads from that moment to now.
        let mut state = objects.clone();
        let mut later = store.watch(everything(), *revision).unwrap();
        while later.progress().is_none() {
            replay(&mut state, &later.next().await.unwrap());
        }
        assert_eq!(state, model.now, "from {revision}");
    }
}

fn expected(model: &Model, name: &str, fresh: bool) -> u64 {
    match model.now.get(name) {
        Some((revision, _)) if fresh => *revision,
        _ => 1,
    }
}

fn replay(state: &mut BTreeMap<String, (u64, String)>, event: &Event) {
    let name = event.record.key.name.to_string();
    let before = state.get(&name).map(|(revision, _)| *revision);
    assert_eq!(
        before,
        event.previous.as_ref().map(|record| record.revision)
    );
    match event.kind {
        EventKind::Deleted => {
            state.remove(&name);
        }
        EventKind::Added | EventKind::Modified => {
            state.insert(name, (event.revision(), text(&event.record)));
        }
    }
}

fn snapshot(listing: &Listing) -> BTreeMap<String, (u64, String)> {
    let names = listing
        .records
        .iter()
        .map(|record| record.key.name.to_string());
    let contents = listing.records.iter().map(|record| record.revision);
    names.zip(contents.zip(texts(listing))).collect()
}

#[tokio::test]
async fn lists_go_on_after_a_key() {
    let store = memory();
    for name in ["c", "a", "b"] {
        store.write(create(name, name)).await.unwrap();
    }
    let listing = store.list(&everything(), Some(&key("a")));
    assert_eq!(texts(&listing), ["b", "c"]);
    let b = store.get(&key("b")).unwrap();
    store.write(delete("b", b.revision)).await.unwrap();
    store.write(create("d", "d")).await.unwrap();
    let before = store.list_at(4, &everything(), Some(&key("a"))).unwrap();
    assert_eq!(texts(&before), ["b", "c"]);
    assert_eq!(texts(&store.list(&everything().named("c"), None)), ["c"]);
    let node = Write {
        key: Key::new("/nodes", "", "n"),
        ..create("n", "node")
    };
    store.write(node).await.unwrap();
    let nodes = Scope::all("/nodes");
    assert_eq!(
        texts(&store.list(&nodes.clone().named("n"), None)),
        ["node"]
    );
    assert!(texts(&store.list(&nodes.named("other"), None)).is_empty());
    assert!(
        store
            .list(&everything().within("other"), None)
            .records
            .is_empty()
    );
}
