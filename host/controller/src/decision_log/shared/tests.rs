use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::super::testing::entry;
use super::DecisionLog;
use crate::decision_log::{Action, Break, Entry, LogError, Stage, read, verify};

#[tokio::test]
async fn goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("log");
    for name in ["a", "b", "c"] {
        DecisionLog::open(&folder)
            .unwrap()
            .record(entry(name))
            .await
            .unwrap();
    }
    let names: Vec<_> = read(&folder)
        .unwrap()
        .into_iter()
        .map(|record| (record.sequence, record.entry.subject.name))
        .collect();
    assert_eq!(
        names,
        [
            (1, "a".to_owned()),
            (2, "b".to_owned()),
            (3, "c".to_owned())
        ]
    );
    assert_eq!(verify(&folder).unwrap().records, 3);
    let file = folder.join("decisions-000001.jsonl");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[tokio::test]
async fn a_decision_that_took_effect_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let done = |uid: &str, action| {
        let mut entry = Entry {
            stage: Stage::Done,
            action,
            ..entry("r")
        };
        entry.subject.uid = uid.to_owned();
        entry
    };
    for _ in 0..2 {
        let log = DecisionLog::open(folder.path()).unwrap();
        for entry in [
            done("u1", Action::Approve),
            done("u1", Action::Approve),
            done("u2", Action::Approve),
            done("u3", Action::Deny),
        ] {
            log.record(entry).await.unwrap();
        }
    }
    let uids: Vec<_> = read(folder.path())
        .unwrap()
        .into_iter()
        .map(|record| record.entry.subject.uid)
        .collect();
    assert_eq!(uids, ["u1", "u2", "u3"]);
    assert_eq!(verify(folder.path()).unwrap().records, 3);
}

#[tokio::test]
async fn many_writers_on_one_thread_lose_nothing() {
    many_writers_lose_nothing().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_on_many_threads_lose_nothing() {
    many_writers_lose_nothing().await;
}

async fn many_writers_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = DecisionLog::open(folder.path()).unwrap();
    let writers: Vec<_> = (0..200)
        .map(|number| {
            let log = log.clone();
            tokio::spawn(async move { log.record(entry(&number.to_string())).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert_eq!(verify(folder.path()).unwrap().records, 200);
}

#[tokio::test]
async fn sees_a_changed_and_a_removed_record() {
    let folder = tempfile::tempdir().unwrap();
    let log = DecisionLog::open(folder.path()).unwrap();
    for name in ["a", "b", "c"] {
        log.record(entry(name)).await.unwrap();
    }
    drop(log);
    let file = folder.path().join("decisions-000001.jsonl");
    let text = fs::read_to_string(&file).unwrap();

    fs::write(&file, text.replace("\"name\":\"a\"", "\"name\":\"x\"")).unwrap();
    assert!(matches!(
        verify(folder.path()),
        Err(LogError::Broken {
            line: 2,
            broken: Break::Changed(2),
            ..
        })
    ));

    let lines: Vec<_> = text.lines().collect();
    fs::write(&file, format!("{}\n{}\n", lines[0], lines[2])).unwrap();
    assert!(matches!(
        verify(folder.path()),
        Err(LogError::Broken {
            line: 2,
            broken: Break::Missing { first: 2, found: 3 },
            ..
        })
    ));
    assert!(matches!(
        DecisionLog::open(folder.path()),
        Err(LogError::Broken { .. })
    ));
}

#[tokio::test]
async fn a_torn_line_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    DecisionLog::open(folder.path())
        .unwrap()
        .record(entry("a"))
        .await
        .unwrap();
    let file = folder.path().join("decisions-000001.jsonl");
    let mut text = fs::read(&file).unwrap();
    text.extend_from_slice(b"{\"sequence\":2,\"ti");
    fs::write(&file, text).unwrap();
    DecisionLog::open(folder.path())
        .unwrap()
        .record(entry("b"))
        .await
        .unwrap();
    assert_eq!(verify(folder.path()).unwrap().records, 2);
    assert_eq!(
        fs::read(folder.path().join("decisions-000001.torn")).unwrap(),
        b"{\"sequence\":2,\"ti"
    );
}

#[tokio::test]
async fn one_process_writes_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = DecisionLog::open(folder.path()).unwrap();
    let refused = DecisionLog::open(folder.path()).unwrap_err();
    assert!(matches!(refused, LogError::InUse(_)), "{refused}");
    drop(first);
    DecisionLog::open(folder.path()).unwrap();
}
