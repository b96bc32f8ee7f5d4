//! A file that was changed behind our back: either nothing is missing, or it is refused and left as it is.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;

use super::model::snapshot;
use super::*;

/// Bytes of the file's header.
const HEADER: usize = 64;

/// Bytes at its beginning: the magic number, and the bits of which one says which of two commits is the newest.
const FLAGS: usize = 10;

/// A closed store whose file has pages in use, pages that were freed, and what it holds.
struct Closed {
    bytes: Vec<u8>,
    objects: BTreeMap<String, (u64, String)>,
}

impl Closed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let store = Store::open(&path, HistoryLimits::default()).unwrap();
        for number in 0..40 {
            let name = format!("n{number}");
            store.write(create(&name, &"a".repeat(300))).await.unwrap();
        }
        for number in 0..20 {
            let name = format!("n{number}");
            let revision = store.get(&key(&name)).unwrap().revision;
            let change = match number % 2 {
                0 => delete(&name, revision),
                _ => update(&name, revision, &"b".repeat(500)),
            };
            store.write(change).await.unwrap();
        }
        let objects = snapshot(&store.list(&everything(), Part::ALL));
        drop(store);
        Self {
            bytes: std::fs::read(&path).unwrap(),
            objects,
        }
    }

    fn check(&self, damaged: &[u8]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        std::fs::write(&path, damaged).unwrap();
        match Store::open(&path, HistoryLimits::default()) {
            Ok(store) => {
                assert_eq!(
                    snapshot(&store.list(&everything(), Part::ALL)),
                    self.objects
                );
            }
            Err(error) => {
                assert!(
                    std::fs::read(&path).unwrap() == damaged,
                    "the file was changed: {error}"
                );
                let text = error.to_string();
                assert!(text.contains(path.to_str().unwrap()), "{text}");
            }
        }
    }
}

/// The same file for every case of a property.
static CLOSED: std::sync::LazyLock<Closed> = std::sync::LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(Closed::new())
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bits(flips in prop::collection::vec((any::<Index>(), 0..8_u32), 1..4)) {
        let mut bytes = CLOSED.bytes.clone();
        for (index, bit) in flips {
            let length = bytes.len();
            bytes[index.index(length)] ^= 1 << bit;
        }
        CLOSED.check(&bytes);
    }

    #[test]
    fn a_cut_or_a_longer_file(cut: Index, longer in prop::collection::vec(any::<u8>(), 0..9000)) {
        let length = cut.index(CLOSED.bytes.len());
        CLOSED.check(&CLOSED.bytes[..length]);
        CLOSED.check(&[&CLOSED.bytes[..], &longer].concat());
    }
}

#[test]
fn bits_of_the_header() {
    for index in 0..HEADER {
        let bits = if index < FLAGS { 8 } else { 1 };
        for bit in 0..bits {
            let mut bytes = CLOSED.bytes.clone();
            bytes[index] ^= 1 << bit;
            CLOSED.check(&bytes);
        }
    }
}

#[test]
fn a_database_of_somebody_else_keeps_what_it_holds() {
    const THEIRS: redb::TableDefinition<'static, &'static str, u64> =
        redb::TableDefinition::new("theirs");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let theirs = redb::Database::create(&path).unwrap();
    let write = theirs.begin_write().unwrap();
    write.open_table(THEIRS).unwrap().insert("a", 1).unwrap();
    write.commit().unwrap();
    drop(theirs);
    let error = Store::open(&path, HistoryLimits::default()).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    let theirs = redb::Database::open(&path).unwrap();
    let read = redb::ReadableDatabase::begin_read(&theirs).unwrap();
    assert_eq!(read.list_tables().unwrap().count(), 1);
    let table = read.open_table(THEIRS).unwrap();
    assert_eq!(table.get("a").unwrap().unwrap().value(), 1);
}
