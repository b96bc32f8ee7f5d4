//! A store against a model of it: any sequence of writes and reopenings.

use std::collections::BTreeMap;
use std::sync::Mutex;

use proptest::prelude::*;

use super::*;

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
    let disk = Disk::default();
    let mut store = disk.store();
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
                store = disk.store();
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
                let seen = watch.next_event().await.unwrap();
                assert_eq!(seen.revision(), revision);
                replay(&mut replayed.lock().unwrap(), &seen);
            }
            Err(_) => assert!(!should_work, "{name} at {current:?}"),
        }
        assert_eq!(watch.progress(), Some(store.revision()));
    }
    assert_eq!(*replayed.lock().unwrap(), model.now);
    assert_eq!(snapshot(&store.list(&everything(), Part::ALL)), model.now);
    for (revision, objects) in model.at.range(oldest..) {
        let listing = store.list_at(*revision, &everything(), Part::ALL).unwrap();
        assert_eq!(snapshot(&listing), *objects, "at {revision}");
        for most in 1..=objects.len() {
            assert_eq!(pages(&store, *revision, most), *objects, "at {revision}");
        }
        // A watch from any moment leads from that moment to now.
        let mut state = objects.clone();
        let mut later = store.watch(everything(), *revision).unwrap();
        while later.progress().is_none() {
            replay(&mut state, &later.next_event().await.unwrap());
        }
        assert_eq!(state, model.now, "from {revision}");
    }
}

/// What a store held at a revision, read in parts.
fn pages(store: &Store, revision: u64, most: usize) -> BTreeMap<String, (u64, String)> {
    let mut found = BTreeMap::new();
    let mut left = None;
    let mut last = None;
    loop {
        let part = Part {
            after: last.as_ref(),
            most,
        };
        let page = store.list_at(revision, &everything(), part).unwrap();
        let count = page.records.len();
        assert!(count <= most && (page.beyond == 0 || count == most));
        let expected = left.map_or(page.beyond, |left: usize| left - count);
        assert_eq!(page.beyond, expected, "after {last:?} at {revision}");
        left = Some(page.beyond);
        last = page.records.last().map(|record| record.key.clone());
        found.append(&mut snapshot(&page));
        if page.beyond == 0 {
            return found;
        }
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

pub(super) fn snapshot(listing: &Listing) -> BTreeMap<String, (u64, String)> {
    let names = listing
        .records
        .iter()
        .map(|record| record.key.name.to_string());
    let contents = listing.records.iter().map(|record| record.revision);
    names.zip(contents.zip(texts(listing))).collect()
}
