//! Conditions of a write, and what reads see of it.

use super::*;

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
    assert_eq!(store.list(&everything(), Part::ALL).records.len(), 300);
}

fn after(key: &Key) -> Part<'_> {
    Part {
        after: Some(key),
        ..Part::ALL
    }
}

#[tokio::test]
async fn lists_go_on_after_a_key() {
    let store = memory();
    for name in ["c", "a", "b"] {
        store.write(create(name, name)).await.unwrap();
    }
    let listing = store.list(&everything(), after(&key("a")));
    assert_eq!(texts(&listing), ["b", "c"]);
    let b = store.get(&key("b")).unwrap();
    store.write(delete("b", b.revision)).await.unwrap();
    store.write(create("d", "d")).await.unwrap();
    let before = store.list_at(4, &everything(), after(&key("a"))).unwrap();
    assert_eq!(texts(&before), ["b", "c"]);
    assert_eq!(
        texts(&store.list(&everything().named("c"), Part::ALL)),
        ["c"]
    );
    let node = Write {
        key: Key::new("/nodes", "", "n"),
        ..create("n", "node")
    };
    store.write(node).await.unwrap();
    let nodes = Scope::all("/nodes");
    assert_eq!(
        texts(&store.list(&nodes.clone().named("n"), Part::ALL)),
        ["node"]
    );
    assert!(texts(&store.list(&nodes.named("other"), Part::ALL)).is_empty());
    assert!(
        store
            .list(&everything().within("other"), Part::ALL)
            .records
            .is_empty()
    );
}
