//! Bootstrap tokens that a component keeps, in the place of the API's own database.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use slipway_tests::{Cluster, Finished, Sandbox, serve};

/// A cluster whose tokens are in files, and the folder of the files.
fn cluster() -> (Cluster, PathBuf) {
    let sandbox = Sandbox::new();
    let folder = sandbox.file("tokens");
    std::fs::create_dir(&folder).expect("a folder");
    let yaml = format!(
        "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\ntokenStores:\n- name: tokens-file\n  grants:\n    filesystem:\n    - name: tokens\n      path: {}\n      writable: true\n",
        folder.display()
    );
    let file = sandbox.write("cluster.yaml", &yaml);
    let file = file.to_str().expect("UTF-8").to_owned();
    let cluster = Cluster::start_in(sandbox, &["--auto-approve", "--config", &file]);
    (cluster, folder)
}

fn files(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

fn create(cluster: &Cluster, arguments: &[&str]) -> String {
    let all = [&["token", "create", "--output=json"], arguments].concat();
    let answer = cluster.slipway(&all).json();
    answer["token"].as_str().expect("a token").to_owned()
}

fn id(token: &str) -> &str {
    token.split_once('.').expect("a token").0
}

fn join(cluster: &Cluster, token: &str, name: &str) -> Finished {
    let (server, pin) = (cluster.server(), cluster.pin());
    let arguments = [
        &cluster.join_arguments(&server, &pin, name)[..],
        &["--timeout=20s"],
    ]
    .concat();
    Sandbox::new().slipway_with(("SLIPWAY_TOKEN", token), &arguments)
}

#[test]
fn the_files_are_what_counts_and_hold_no_secret() {
    let (cluster, folder) = cluster();
    let token = create(&cluster, &[]);
    let file = format!("{}.1", id(&token));
    assert!(files(&folder).contains(&file), "{:?}", files(&folder));
    let text = std::fs::read_to_string(folder.join(&file)).expect("a file");
    let secret = token.split_once('.').expect("a token").1;
    assert!(!text.contains(secret));
    let _ = join(&cluster, &token, "worker-1").success();

    let removed = folder.join(&file);
    std::fs::remove_file(&removed).expect("a file");
    let refused = join(&cluster, &token, "worker-2");
    assert_ne!(refused.code(), Some(0), "a token that is not in its store");
}

#[test]
fn bounds_outlive_the_database_of_the_api() {
    let (cluster, _) = cluster();
    let token = create(&cluster, &["--node=worker-1", "--uses=1"]);
    cluster.kill();
    let database = cluster.sandbox().dir().join("state/store.redb");
    std::fs::remove_file(database).expect("a file");
    let start = || {
        serve(cluster.sandbox())
            .arg("--new-store")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("slipway can be started")
    };
    let mut server = start();
    let listed = (0..200).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        // The port is taken until the system has ended the one that was killed.
        if server.try_wait().expect("a child can be asked").is_some() {
            server = start();
        }
        let listed = cluster.slipway(&["token", "list", "--output=json"]);
        let tokens: serde_json::Value = serde_json::from_str(&listed.stdout()).ok()?;
        let tokens = tokens.as_array()?;
        let found = tokens.iter().find(|listed| listed["id"] == id(&token))?;
        (found["usesLeft"] == 1).then(|| found.clone())
    });
    let ended = server.kill().and_then(|()| server.wait());
    let listed = listed.expect("the token comes back with its ledger");
    assert_eq!(
        listed["bounds"],
        serde_json::json!({"node": "worker-1", "uses": 1})
    );
    let _ = ended.expect("the server can be ended");
}

#[test]
fn a_record_that_was_altered_keeps_the_server_from_starting_and_says_what_to_do() {
    let (cluster, folder) = cluster();
    let token = create(&cluster, &[]);
    let kept = create(&cluster, &[]);
    cluster.stop();
    let record = folder.join(format!("{}.1", id(&token)));
    let text = std::fs::read_to_string(&record).expect("a record");
    let mut altered: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let sealed = altered["sealed"].as_str().expect("base64");
    let other = if sealed.starts_with('A') { "B" } else { "A" };
    altered["sealed"] = format!("{other}{}", &sealed[1..]).into();
    std::fs::write(&record, altered.to_string()).expect("a file");
    let told = Finished::of(&mut serve(cluster.sandbox()), "").failure(3);
    assert!(told.contains("does not open"), "{told}");
    let next = format!("take the record of {} out of the store by hand", id(&token));
    assert!(told.contains(&next), "{told}");

    std::fs::remove_file(&record).expect("a file");
    let _server = cluster.restart();
    let listed = cluster.slipway(&["token", "list"]).success();
    assert!(
        listed.contains(id(&kept)) && !listed.contains(id(&token)),
        "{listed}"
    );
}
