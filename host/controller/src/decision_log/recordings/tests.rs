use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use slipway_plugin::extension::csr_approver::Requester;

use super::*;

const MONTH: Duration = Duration::from_hours(720);

fn case(name: &str, answers: &[(&str, Value)]) -> Case {
    let noted = answers.iter().map(|(path, answer)| Noted {
        question: Question::File {
            path: (*path).to_owned(),
        },
        answer: answer.clone(),
    });
    Case {
        request: ReviewRequest {
            name: name.to_owned(),
            uid: format!("uid-of-{name}"),
            signer_name: "kubernetes.io/kube-apiserver-client-kubelet".to_owned(),
            node_name: "worker-1".parse().unwrap(),
            usages: Vec::new(),
            dns_names: Vec::new(),
            ip_addresses: Vec::new(),
            key_algorithm: "ECDSA P-256".to_owned(),
            key_fingerprint: "00".repeat(32),
            expiration_seconds: None,
            der: vec![0x30, 0],
            requester: Requester {
                username: "system:bootstrap:abcdef".to_owned(),
                groups: Vec::new(),
                extra: std::collections::BTreeMap::new(),
            },
            token: None,
            created: "2030-01-01T00:00:00Z".parse().unwrap(),
            rejoins: false,
        },
        deferral: Some("a person decides".to_owned()),
        learned: vec![Learned {
            plugin: "inventory".to_owned(),
            answers: Recording(noted.collect()),
        }],
    }
}

fn read(log: &Path) -> Vec<(Sha256Digest, Case)> {
    Recordings::open(log)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn paths(log: &Path) -> Vec<PathBuf> {
    files::list(&log.join(FOLDER)).unwrap()
}

#[test]
fn what_is_written_is_read_again_and_a_long_answer_stands_once() {
    let log = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(log.path(), MONTH).unwrap();
    let long = json!("a line of the inventory\n".repeat(100));
    let cases = [
        case(
            "one",
            &[("short", json!({"Ok": 1})), ("long", long.clone())],
        ),
        case("two", &[("long", long)]),
    ];
    let digests = cases.each_ref().map(|case| recorder.record(case).unwrap());
    let [first, second] = cases;
    let [digest_of_first, digest_of_second] = digests;
    assert_eq!(
        read(log.path()),
        [(digest_of_first, first), (digest_of_second, second)]
    );
    let file = &paths(log.path())[0];
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.matches("a line of the inventory").count(), 100);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(file), 0o600);
    assert_eq!(mode(&log.path().join(FOLDER)), 0o700);
}

#[test]
fn a_long_answer_stands_in_every_file_that_needs_it() {
    let log = tempfile::tempdir().unwrap();
    let long = json!("x".repeat(LONG_ANSWER));
    for name in ["one", "two"] {
        // Each start begins a file.
        let mut recorder = Recorder::open(log.path(), MONTH).unwrap();
        recorder
            .record(&case(name, &[("long", long.clone())]))
            .unwrap();
    }
    let files = paths(log.path());
    assert_eq!(files.len(), 2);
    fs::remove_file(&files[0]).unwrap();
    let [(_, kept)] = &read(log.path())[..] else {
        panic!("one is kept");
    };
    assert_eq!(*kept, case("two", &[("long", long)]));
}

#[test]
fn what_is_older_than_wanted_is_deleted() {
    let log = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(log.path(), MONTH).unwrap();
    recorder.record(&case("old", &[])).unwrap();
    let file = File::options()
        .write(true)
        .open(&paths(log.path())[0])
        .unwrap();
    let long_ago = SystemTime::now() - MONTH - Duration::from_secs(1);
    file.set_modified(long_ago).unwrap();
    drop(recorder);
    let mut recorder = Recorder::open(log.path(), MONTH).unwrap();
    recorder.record(&case("new", &[])).unwrap();
    let names: Vec<_> = read(log.path())
        .into_iter()
        .map(|(_, case)| case.request.name)
        .collect();
    assert_eq!(names, ["new"]);
}

#[test]
fn what_was_cut_short_or_altered_is_passed_over_and_the_rest_is_read() {
    let log = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(log.path(), MONTH).unwrap();
    let long = json!("x".repeat(LONG_ANSWER));
    recorder.record(&case("altered", &[("a", long)])).unwrap();
    let whole = recorder.record(&case("whole", &[])).unwrap();
    let file = &paths(log.path())[0];
    let text = fs::read_to_string(file).unwrap();
    let altered = text.replacen("xxx", "yyy", 1);
    fs::write(file, format!("{altered}{{\"case\":{{\"requ")).unwrap();
    let digests: Vec<_> = read(log.path())
        .into_iter()
        .map(|(digest, _)| digest)
        .collect();
    assert_eq!(digests, [whole]);
}

#[test]
fn no_secret_of_a_token_is_kept() {
    let log = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(log.path(), MONTH).unwrap();
    let secret = "0123456789abcdef";
    let answer = json!({"body": [{"text": format!("token: abcdef.{secret}")}]});
    recorder.record(&case("one", &[("a", answer)])).unwrap();
    let text = fs::read_to_string(&paths(log.path())[0]).unwrap();
    assert!(text.contains("abcdef."), "{text}");
    assert!(!text.contains(secret), "{text}");
}
