mod model;

use slipway_sdk::testing::{Installed, MockHost};

use super::*;

const ID: &str = "abcdef";

fn host() -> Installed {
    MockHost::new().directory(GRANT).install()
}

fn create(sealed: &str) -> Result<String, StoreError> {
    TokensFile.put(ID, sealed.as_bytes(), &Precondition::Absent)
}

fn update(version: &str, sealed: &str) -> Result<String, StoreError> {
    let precondition = Precondition::Version(version.to_owned());
    TokensFile.put(ID, sealed.as_bytes(), &precondition)
}

fn sealed() -> Option<String> {
    let stored = TokensFile.get(ID).unwrap()?;
    Some(String::from_utf8(stored.sealed).unwrap())
}

#[test]
fn what_was_put_is_there_with_another_version_each_time() {
    let host = host();
    assert_eq!(TokensFile.get(ID), Ok(None));
    let first = create("one").unwrap();
    let second = update(&first, "two").unwrap();
    assert_ne!(first, second);
    assert_eq!(
        TokensFile.get(ID),
        Ok(Some(Stored {
            id: ID.to_owned(),
            version: second,
            sealed: b"two".to_vec(),
        }))
    );
    assert_eq!(host.files(GRANT), ["abcdef.2"], "nothing else is left");
}

#[test]
fn a_write_needs_its_precondition() {
    let _host = host();
    assert_eq!(update("1", "x"), Err(StoreError::Conflict));
    let first = create("one").unwrap();
    assert_eq!(create("x"), Err(StoreError::Conflict));
    let second = update(&first, "two").unwrap();
    assert_eq!(update(&first, "x"), Err(StoreError::Conflict));
    assert_eq!(TokensFile.delete(ID, &first), Err(StoreError::Conflict));
    assert_eq!(sealed().as_deref(), Some("two"));
    assert_eq!(TokensFile.delete(ID, &second), Ok(()));
    assert_eq!(TokensFile.delete(ID, &second), Err(StoreError::Conflict));
}

#[test]
fn a_removed_record_is_absent_and_its_versions_do_not_come_back() {
    let _host = host();
    let first = create("one").unwrap();
    TokensFile.delete(ID, &first).unwrap();
    assert_eq!(
        (TokensFile.get(ID), TokensFile.list()),
        (Ok(None), Ok(vec![]))
    );
    let again = create("one").unwrap();
    assert_ne!(first, again);
    assert_eq!(update(&first, "x"), Err(StoreError::Conflict));
}

#[test]
fn records_are_listed_in_the_order_of_their_ids() {
    let host = host();
    for id in ["zzzzzz", "000000", "abcdef"] {
        TokensFile.put(id, b"x", &Precondition::Absent).unwrap();
    }
    update("1", "y").unwrap();
    host.set_file(GRANT, "README.txt", Some(b"not a record"));
    host.set_file(GRANT, "abcdef.3.0.new", Some(b"half a rec"));
    let stored = TokensFile.list().unwrap();
    let seen: Vec<_> = stored
        .iter()
        .map(|stored| (stored.id.as_str(), stored.version.as_str()))
        .collect();
    assert_eq!(seen, [("000000", "1"), ("abcdef", "2"), ("zzzzzz", "1")]);
}

#[test]
fn damage_is_an_error_that_names_the_file() {
    let host = host();
    create("one").unwrap();
    let good = String::from_utf8(host.file(GRANT, "abcdef.1").unwrap()).unwrap();
    for damaged in [
        String::new(),
        good[..good.len() / 2].to_owned(),
        good.replace("abcdef", "ghijkl"),
        good.replace("\"number\":1", "\"number\":2"),
        good.replace("\"format\":1", "\"format\":2"),
        good.replace("\"sealed\":\"", "\"sealed\":\"*"),
        good.replace("\"sealed\"", "\"plain\""),
    ] {
        assert_ne!(damaged, good);
        host.set_file(GRANT, "abcdef.1", Some(damaged.as_bytes()));
        for result in [
            TokensFile.get(ID).map(drop),
            TokensFile.list().map(drop),
            update("1", "two").map(drop),
            TokensFile.delete(ID, "1"),
        ] {
            let Err(StoreError::Corrupt(text)) = result else {
                panic!("{damaged:?} gave {result:?}");
            };
            assert!(text.starts_with("abcdef.1: "), "{text}");
        }
    }
}

#[test]
fn a_disk_that_fills_up_at_any_step_leaves_the_old_or_the_new_record() {
    for writes in 0..5 {
        let host = host();
        let first = create("one").unwrap();
        host.set_writes_left(GRANT, Some(writes));
        let outcome = update(&first, "two");
        host.set_writes_left(GRANT, None);
        assert_eq!(
            outcome.is_ok(),
            writes >= 2,
            "to write and to link makes the change"
        );
        let now = TokensFile.get(ID).unwrap().unwrap();
        match outcome {
            Ok(version) => assert_eq!(
                (&now.version, now.sealed.as_slice()),
                (&version, &b"two"[..])
            ),
            Err(_) => assert!(now.sealed == b"one" || now.sealed == b"two", "{now:?}"),
        }
        let last = update(&now.version, "three").unwrap();
        assert_eq!(
            host.files(GRANT),
            [format!("abcdef.{last}")],
            "what was left is gone"
        );
    }
}

#[test]
fn a_crash_after_any_step_is_recovered_from() {
    let host = host();
    create("one").unwrap();
    let first = host.file(GRANT, "abcdef.1").unwrap();
    update("1", "two").unwrap();
    let second = host.file(GRANT, "abcdef.2").unwrap();
    // Written under the temporary name, linked, not cleaned up.
    host.set_file(GRANT, "abcdef.1", Some(&first));
    host.set_file(GRANT, "abcdef.2.0.new", Some(&second));
    assert_eq!(sealed().as_deref(), Some("two"));
    let third = update("2", "three").unwrap();
    assert_eq!(host.files(GRANT), [format!("abcdef.{third}")]);
    // Half written under the temporary name of the next change.
    host.set_file(GRANT, "abcdef.4.0.new", Some(&second[..5]));
    let fourth = update(&third, "four").unwrap();
    assert_eq!(sealed().as_deref(), Some("four"));
    assert_eq!(host.files(GRANT), [format!("abcdef.{fourth}")]);
}

#[test]
fn of_two_that_saw_the_same_version_one_succeeds() {
    let _host = host();
    create("one").unwrap();
    let folder = open().unwrap();
    let current = folder.newest(ID).unwrap().unwrap();
    let change = |text: &str| {
        Record::after(
            Some(&current),
            ID,
            Content::Sealed(text.as_bytes().to_vec()),
        )
        .unwrap()
    };
    assert_eq!(folder.append(&change("mine")), Ok(()));
    let late = folder.append(&change("yours"));
    assert_eq!(late, Err(StoreError::Conflict));
    // Two changes later the number that the late one wants is free again.
    update("2", "three").unwrap();
    let later = folder.append(&change("yours"));
    assert_eq!(later, Err(StoreError::Conflict));
    assert_eq!(sealed().as_deref(), Some("three"));
}

#[test]
fn of_two_that_saw_no_record_one_succeeds() {
    let _host = host();
    let folder = open().unwrap();
    let change = Record::after(None, ID, Content::Sealed(b"late".to_vec())).unwrap();
    create("one").unwrap();
    assert_eq!(folder.append(&change), Err(StoreError::Conflict));
    update("1", "two").unwrap();
    assert_eq!(folder.append(&change), Err(StoreError::Conflict));
    assert_eq!(sealed().as_deref(), Some("two"));
}

#[test]
fn a_look_that_misses_a_version_is_not_believed() {
    let mut looks = [vec![7], vec![], vec![8], vec![8], vec![9]].into_iter();
    assert_eq!(folder::settled(|| Ok(looks.next().unwrap())), Ok(vec![8]));
    let mut endless = 0..;
    let never = folder::settled(|| Ok(endless.next()));
    assert!(
        matches!(never, Err(StoreError::Unavailable(_))),
        "{never:?}"
    );
}

/// An ID of six characters.
fn id(number: usize) -> String {
    format!("{number:06}")
}

#[test]
fn a_removal_stays_while_somebody_may_still_write_what_it_removed() {
    let host = host();
    let first = create("one").unwrap();
    let folder = open().unwrap();
    let current = folder.newest(ID).unwrap();
    let late = Record::after(current.as_ref(), ID, Content::Sealed(b"late".to_vec())).unwrap();
    TokensFile.delete(ID, &first).unwrap();
    assert_eq!(folder.append(&late), Err(StoreError::Conflict));
    assert_eq!(sealed(), None);
    assert_eq!(host.files(GRANT), ["abcdef.2", "removed.0.abcdef.2"]);
}

#[test]
fn the_oldest_removals_go_when_there_are_many() {
    let host = host();
    let remove = |id: &str| {
        let version = TokensFile.put(id, b"x", &Precondition::Absent).unwrap();
        TokensFile.delete(id, &version).unwrap();
    };
    for number in 0..folder::REMOVALS + 3 {
        remove(&id(number));
    }
    let files = host.files(GRANT);
    assert_eq!(files.len(), 2 * folder::REMOVALS);
    for gone in 0..3 {
        assert!(!files.iter().any(|name| name.contains(&id(gone))));
    }
    assert!(files.contains(&format!("{}.2", id(3))));
    assert_eq!(TokensFile.list(), Ok(vec![]));
    // What was made anew under an old name is nobody's removal.
    let again = id(3);
    TokensFile
        .put(&again, b"again", &Precondition::Absent)
        .unwrap();
    for number in 0..folder::REMOVALS {
        remove(&id(1000 + number));
    }
    assert!(TokensFile.get(&again).unwrap().is_some());
    assert_eq!(host.files(GRANT).len(), 2 * folder::REMOVALS + 1);
}

#[test]
fn a_mark_that_was_left_takes_no_record_away() {
    let host = host();
    let first = create("one").unwrap();
    TokensFile.delete(ID, &first).unwrap();
    let mark = host.file(GRANT, "removed.0.abcdef.2").unwrap();
    // Its removal was cleared, a crash left the mark, and the number came back.
    host.set_file(GRANT, "abcdef.2", None);
    create("two").unwrap();
    update("1", "three").unwrap();
    host.set_file(GRANT, "removed.0.abcdef.2", Some(&mark));
    for number in 0..folder::REMOVALS {
        let version = TokensFile
            .put(&id(number), b"x", &Precondition::Absent)
            .unwrap();
        TokensFile.delete(&id(number), &version).unwrap();
    }
    assert_eq!(sealed().as_deref(), Some("three"));
}

#[test]
fn an_id_cannot_lead_elsewhere() {
    let _host = host();
    for id in ["", "../abc", "ABCDEF", "abcdefg", "abc.ef"] {
        let result = TokensFile.put(id, b"x", &Precondition::Absent);
        assert!(matches!(result, Err(StoreError::Other(_))), "{id:?}");
        assert!(TokensFile.get(id).is_err());
    }
}

#[test]
fn the_folder_is_missed_at_once() {
    let configured = |host: MockHost| {
        let _host = host.install();
        TokensFile::configure(NoSettings {})
    };
    assert!(configured(MockHost::new().directory(GRANT)).is_ok());
    for without in [
        MockHost::new(),
        MockHost::new().read_only(GRANT),
        MockHost::new().directory("data"),
    ] {
        let text = configured(without).unwrap_err().to_string();
        assert!(text.contains("{name: tokens,"), "{text}");
    }
}

#[test]
fn the_folder_has_to_be_granted_and_writable() {
    let _none = MockHost::new().install();
    let Err(StoreError::Other(text)) = TokensFile.list() else {
        panic!("there is no folder");
    };
    assert!(text.starts_with("tokens: no folder was granted"), "{text}");
    let _read_only = MockHost::new().read_only(GRANT).install();
    let Err(StoreError::Other(text)) = create("x") else {
        panic!("the folder is read-only");
    };
    assert!(text.contains("not permitted"), "{text}");
}
