//! The end of the decision log is known elsewhere, signed, so that cutting it off is seen.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use slipway_tests::{Approval, Backend, Finished, Launched, Sandbox, on_both_backends};

on_both_backends!(a_log_that_was_cut_does_not_go_on_from_what_was_published);

/// slipway with the folders of the machine that writes the log.
fn on_the_writer(cluster: &Launched, arguments: &[&str]) -> Finished {
    let log = cluster.decision_log();
    let folder = log.parent().and_then(Path::parent).expect("its folder");
    let folder = folder.to_str().expect("a path in UTF-8");
    Sandbox::new().slipway(&[arguments, &["--dir", folder]].concat())
}

/// Waits until everything that is in the log was published.
fn published(cluster: &Launched, key: &str) {
    let log = cluster.decision_log();
    let log = log.to_str().expect("a path in UTF-8");
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let arguments = ["audit", "verify", "--published", "--output=json"];
        let more = ["--log", log, "--public-key", key];
        let checked = cluster.slipway(&[&arguments[..], &more].concat());
        if checked.code() == Some(0) {
            let checked: Value = serde_json::from_str(&checked.stdout()).expect("JSON");
            if checked["goesOnFrom"]["records"] == checked["records"] {
                assert!(checked["goesOnFrom"]["signed"].is_string(), "{checked}");
                return;
            }
        }
        assert!(Instant::now() < end, "the head is published");
        thread::sleep(Duration::from_millis(200));
    }
}

fn a_log_that_was_cut_does_not_go_on_from_what_was_published(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let _ = cluster.join(&Sandbox::new(), "worker-1", &[]).success();
    let elsewhere = Sandbox::new();
    let key = on_the_writer(&cluster, &["audit", "public-key"]).success();
    let key = elsewhere.write("log.pub", &key);
    let key = key.to_str().expect("a path in UTF-8");
    published(&cluster, key);
    let head = on_the_writer(&cluster, &["audit", "head"]).success();
    let head = elsewhere.write("head", &head);
    let head = head.to_str().expect("a path in UTF-8");

    let copy = elsewhere.dir().join("copy");
    fs::create_dir_all(&copy).expect("a folder");
    let file = "decisions-000001.jsonl";
    let text = fs::read_to_string(cluster.decision_log().join(file)).expect("the log");
    let verify = |lines: &str, more: &[&str]| {
        fs::write(copy.join(file), lines).expect("a copy");
        let copy = copy.to_str().expect("a path in UTF-8");
        let arguments = ["audit", "verify", "--log", copy, "--public-key", key];
        cluster.slipway(&[&arguments[..], more].concat())
    };
    for anchored in [&["--published"][..], &["--anchor", head]] {
        let whole = verify(&text, anchored).success();
        assert!(whole.contains("it goes on from its record"), "{whole}");
        let last = text.trim_end().rfind('\n').expect("several records");
        let cut = &text[..=last];
        let refused = verify(cut, anchored).failure(3);
        assert!(refused.contains("its end was cut off"), "{refused}");
        let refused = verify("", anchored).failure(3);
        assert!(refused.contains("its end was cut off"), "{refused}");
    }

    // What another key signed is not believed, and what none has published is not there.
    let other = Sandbox::new();
    let init = ["init", "phase", "certs"];
    let _ = other.slipway(&init).success();
    let other_key = other.slipway(&["audit", "public-key"]).success();
    let other_key = elsewhere.write("other.pub", &other_key);
    let other_key = other_key.to_str().expect("a path in UTF-8");
    let log = cluster.decision_log();
    let log = log.to_str().expect("a path in UTF-8");
    let with_other_key = |more: &[&str]| {
        let arguments = ["audit", "verify", "--log", log, "--public-key", other_key];
        cluster.slipway(&[&arguments[..], more].concat())
    };
    let refused = with_other_key(&["--anchor", head]).failure(3);
    assert!(refused.contains("is not believed"), "{refused}");
    let refused = with_other_key(&["--published"]).failure(9);
    assert!(
        refused.contains("no head of this log was published"),
        "{refused}"
    );
    let refused = with_other_key(&["--anchor", "nonsense"]).failure(2);
    assert!(refused.contains("a number and a colon"), "{refused}");
    let arguments = ["audit", "verify", "--log", log, "--anchor", head];
    let no_key = [&arguments[..], &["--public-key", head]].concat();
    let refused = cluster.slipway(&no_key).failure(2);
    assert!(refused.contains("is no public key"), "{refused}");
}
