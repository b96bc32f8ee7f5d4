//! A call that is made again with what it learned the first time.

use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};
use slipway_config::finding::Verdict;
use slipway_config::plugin::PluginEntry;
use slipway_plugin::{CsrApprover, Noted, Outside, Question, Recording};

use crate::grants::{Objects, Server, granted};
use crate::support::{host, request};

/// Every kind of question that an approver can ask, in the words of the guest.
struct World {
    entry: PluginEntry,
    server: Server,
    folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let server = Server::start(|_| {
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello".to_owned()
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/names"), "worker-1").unwrap();
        fs::write(folder.path().join("bytes"), [0xff, 0xfe]).unwrap();
        let entry = granted(json!({
            "http": [{"scheme": "http", "host": "127.0.0.1", "port": server.port}],
            "filesystem": [{"name": "data", "path": folder.path()}],
            "cluster": [{"version": "v1", "kind": "Node"}],
        }));
        Self {
            entry,
            server,
            folder,
        }
    }

    fn questions(&self) -> Vec<String> {
        let port = self.server.port;
        let mut questions: Vec<_> = [
            "clock",
            "random-bytes",
            "resolve localhost",
            "resolve no-such-name.invalid",
            "read data sub/names",
            "read data ./sub//names",
            "read data bytes",
            "read data absent",
            "read data sub",
            "names data",
            "object Node  a",
            "object Node  absent",
            "objects Node ",
        ]
        .map(ToOwned::to_owned)
        .into();
        questions.push(format!("get http://127.0.0.1:{port}/machines?a=b"));
        questions.push("get http://127.0.0.1:1/not-granted".to_owned());
        questions
    }

    async fn live(&self) -> Arc<dyn CsrApprover> {
        let host = host().with_cluster(Arc::new(Objects));
        host.load_csr_approver(&self.entry).await.unwrap()
    }
}

async fn replaying(entry: &PluginEntry) -> Arc<dyn CsrApprover> {
    host().for_replay().load_csr_approver(entry).await.unwrap()
}

/// What the guest says, and what it asked for that was not recorded.
async fn said(approver: &dyn CsrApprover, what: &str, outside: &Outside) -> String {
    match approver
        .review(&request(what), outside)
        .await
        .unwrap()
        .verdict
    {
        Verdict::Defer(reason) => reason,
        other => panic!("{what}: {other:?}"),
    }
}

#[tokio::test]
async fn whatever_was_learned_is_learned_again_when_the_world_is_gone() {
    let world = World::new().await;
    let live = world.live().await;
    let mut noted = Vec::new();
    for question in world.questions() {
        let outside = Outside::noted();
        let answer = said(&*live, &question, &outside).await;
        // Through the form in which it is kept.
        let kept = serde_json::to_string(&outside.recording().unwrap()).unwrap();
        let kept: Recording = serde_json::from_str(&kept).unwrap();
        noted.push((question, answer, kept));
    }
    let (_, clock, _) = &noted[0];
    assert!(clock.parse::<u64>().unwrap() > 1_700_000_000);
    assert!(noted.iter().any(|(_, answer, _)| answer == "200 hello"));

    let entry = world.entry.clone();
    let asked = world.server.requests().len();
    fs::remove_dir_all(world.folder.path()).unwrap();
    let replaying = replaying(&entry).await;
    for (question, answer, recording) in &noted {
        let outside = Outside::replayed([recording]);
        assert_eq!(
            said(&*replaying, question, &outside).await,
            *answer,
            "{question}"
        );
        assert_eq!(outside.missed(), [], "{question}");
    }
    assert_eq!(world.server.requests().len(), asked, "a replay asks nobody");
}

#[tokio::test]
async fn what_was_not_asked_then_is_named_and_nobody_is_asked() {
    let world = World::new().await;
    let replaying = replaying(&world.entry).await;
    let mut missed = Vec::new();
    for question in world.questions() {
        for outside in [Outside::replayed([]), Outside::live()] {
            said(&*replaying, &question, &outside).await;
            missed.extend(outside.missed().iter().map(ToString::to_string));
        }
    }
    missed.dedup();
    let port = world.server.port.to_string();
    let missed = missed.join("\n").replace(&port, "PORT");
    insta::assert_snapshot!(missed, @"
    the time of day
    random bytes
    the addresses of localhost
    the addresses of no-such-name.invalid
    the file data/sub/names
    the file data/bytes
    the file data/absent
    the file data/sub
    the names in data
    Node a
    Node absent
    every Node
    GET http://127.0.0.1:PORT/machines?a=b
    ");
    assert_eq!(world.server.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_recording_that_was_altered_reaches_no_other_file() {
    let world = World::new().await;
    let replaying = replaying(&world.entry).await;
    for path in ["data/../../../../tmp/slipway-escaped", "data//etc/hostname"] {
        let asked = path.split_once('/').unwrap().1;
        let question = Question::File {
            path: path.to_owned(),
        };
        let answer: Value = json!({"Ok": {"file": {"text": "escaped"}}});
        let recording = Recording(vec![Noted { question, answer }]);
        let outside = Outside::replayed([&recording]);
        let request = request(&format!("read data {asked}"));
        let review = replaying.review(&request, &outside).await;
        let text = format!("{review:?}");
        assert!(!text.contains("escaped\""), "{text}");
    }
    assert!(!fs::exists("/tmp/slipway-escaped").unwrap());
}
