//! What was: bounded, compacted, watched.

use super::*;

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
    assert!(store.list_at(2, &everything(), Part::ALL).is_err());
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
    assert_eq!(watch.next_event().await.unwrap().revision(), 4);
}

#[tokio::test]
async fn a_watch_sees_its_scope_only_and_tells_its_progress() {
    let store = memory();
    let mut one = store.watch(everything().named("b"), 1).unwrap();
    let mut elsewhere = store.watch(everything().within("other"), 1).unwrap();
    store.write(create("a", "")).await.unwrap();
    store.write(create("b", "")).await.unwrap();
    assert_eq!(one.progress(), None, "an event waits");
    assert_eq!(one.next_event().await.unwrap().revision(), 3);
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
    while let Some(event) = slow.next_event().await {
        assert_eq!(event.revision(), last + 1);
        last = event.revision();
    }
    assert_eq!(slow.progress(), None);
    // It goes on where it was cut off.
    let mut again = store.watch(everything(), last).unwrap();
    assert_eq!(again.next_event().await.unwrap().revision(), last + 1);
    drop(again);
    assert_eq!(store.shared.read().hub.len(), 0);
}

#[tokio::test]
async fn watches_end_when_the_store_closes() {
    let store = memory();
    let mut watch = store.watch(everything(), 1).unwrap();
    drop(store);
    assert!(watch.next_event().await.is_none());
}

#[tokio::test]
async fn a_list_tells_whoever_watches_the_same_how_far_the_store_has_come() {
    let store = memory();
    let mut all = store.watch(everything(), 1).unwrap();
    let mut one = store.watch(everything().named("a"), 1).unwrap();
    store.write(create("a", "")).await.unwrap();
    let elsewhere = Write {
        key: Key::new("/nodes", "", "n"),
        ..create("n", "")
    };
    store.write(elsewhere).await.unwrap();
    for _ in 0..2 {
        let part = Part {
            most: 0,
            ..Part::ALL
        };
        let listing = store.list_and_tell(&everything(), part);
        assert_eq!((listing.revision, listing.beyond), (3, 1));
    }
    assert!(matches!(all.next().await, Some(Told::Event(event)) if event.revision() == 2));
    assert!(matches!(all.next().await, Some(Told::Progress(3))));
    assert!(matches!(one.next().await, Some(Told::Event(_))));
    store.write(create("b", "")).await.unwrap();
    // It was told once; and who knows is not told again.
    assert!(matches!(all.next().await, Some(Told::Event(event)) if event.revision() == 4));
    store.list_and_tell(&everything(), Part::ALL);
    assert_eq!(all.progress(), Some(4));
    assert_eq!(one.progress(), Some(4));
}
