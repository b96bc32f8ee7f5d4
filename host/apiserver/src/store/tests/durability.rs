//! What is in the file: after a reopening, a crash, a full disk, and where the file is no store of ours.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

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
        let found = recovered.list(&everything(), Part::ALL).records.len();
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
async fn a_full_disk_fails_the_write_and_nothing_else() {
    let disk = Disk::default();
    let store = disk.store();
    store.write(create("a", "1")).await.unwrap();
    let mut watch = store.watch(everything(), 2).unwrap();

    disk.fill(true);
    for name in ["b", "c"] {
        let error = store.write(create(name, "1")).await.unwrap_err();
        assert!(matches!(error, WriteError::Full(_)), "{error:?}");
    }
    assert!(store.get(&key("b")).is_none());
    assert_eq!(text(&store.get(&key("a")).unwrap()), "1");
    assert_eq!(store.revision(), 2);

    disk.fill(false);
    let revision = store.write(create("d", "1")).await.unwrap().revision();
    assert_eq!(watch.next_event().await.unwrap().revision(), 3);
    // Memory and disk agree, whatever became of the failed writes.
    let seen: Vec<Record> = store
        .list(&everything(), Part::ALL)
        .records
        .iter()
        .map(|record| (**record).clone())
        .collect();
    drop(store);
    let loaded = disk.load();
    assert_eq!(loaded.revision, revision);
    assert_eq!(loaded.records, seen);
}
