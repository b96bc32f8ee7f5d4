//! Full disks: said plainly, with nothing half-written, no process left behind, and room for another try.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use slipway_tests::{Cluster, Finished, Sandbox, Volume, without_changing_parts};

const INIT: [&str; 4] = [
    "init",
    "--apiserver-advertise-address=127.0.0.1",
    "--apiserver-bind-port=0",
    "--output=json",
];

/// Options of a disk that has room for everything.
const ROOM: &str = "size=64m,nr_inodes=1000";

/// Every file is one that was written whole: no temporary ones, and what can be parsed parses.
#[track_caller]
fn assert_nothing_half_written(volume: &Volume, when: &str) {
    for (path, content) in volume.files() {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("UTF-8");
        assert!(!name.starts_with('.'), "{when}: {} is left", path.display());
        let text = String::from_utf8_lossy(&content);
        let whole = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => serde_json::from_str::<serde_json::Value>(&text).is_ok(),
            Some("crt") => text.trim_end().ends_with("-----END CERTIFICATE-----"),
            Some("key") if name != "token-sealing.key" => {
                text.trim_end().ends_with("PRIVATE KEY-----")
            }
            Some("key") => content.len() == 32,
            _ => true,
        };
        assert!(whole, "{when}: {} is half written", path.display());
    }
}

/// Slipway's last word on a full disk: what could not be written, why, and what to do.
#[track_caller]
fn assert_said_plainly(run: &Finished, volume: &Volume, when: &str) {
    let message = run.message_in_json(1);
    let (error, hint) = (message["error"].to_string(), message["hint"].to_string());
    let names_it = error.contains(volume.path().to_str().expect("UTF-8"))
        || error.contains("the store cannot be written");
    assert!(
        error.contains("No space left on device") && names_it,
        "{when}: {message}"
    );
    assert!(hint.contains("df -h"), "{when}: {message}");
}

/// How many disks of each kind are tried, besides those that are only a little too small.
const STEPS: u64 = 6;

#[test]
fn init_says_so_and_leaves_room_for_another() {
    let sandbox = Sandbox::new();
    let volume = Volume::new(&sandbox, "disk", ROOM);
    let _ = volume.slipway(&sandbox, &INIT).success();
    on_each(&volume.smaller(STEPS), |options| {
        let sandbox = Sandbox::new();
        let volume = Volume::new(&sandbox, "disk", options);
        let run = volume.slipway(&sandbox, &INIT);
        if run.code() == Some(0) {
            return Disk::LargeEnough;
        }
        assert_said_plainly(&run, &volume, options);
        volume.wait_until_unused();
        assert_nothing_half_written(&volume, options);

        volume.remount(ROOM);
        let _ = volume.slipway(&sandbox, &INIT).success();
        let _ = volume.slipway(&sandbox, &["token", "list"]).success();
        Disk::TooSmall
    });
}

#[test]
fn join_says_so_and_goes_on_once_there_is_room() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let join = |sandbox: &Sandbox, volume: &Volume, node: &str| {
        let (server, pin) = (cluster.server(), cluster.pin());
        let mut arguments = cluster.join_arguments(&server, &pin, node);
        arguments.extend(["--timeout=20s", "--output=json"]);
        let mut command = sandbox.command(&arguments);
        command.env("SLIPWAY_TOKEN", cluster.token());
        Finished::of(&mut volume.on_it(&mut command), "")
    };
    let sandbox = Sandbox::new();
    let volume = Volume::new(&sandbox, "disk", ROOM);
    let _ = join(&sandbox, &volume, "worker-1").success();
    on_each(&volume.smaller(STEPS), |options| {
        let sandbox = Sandbox::new();
        let volume = Volume::new(&sandbox, "disk", options);
        let node = options.replace(['=', '_'], "-");
        let run = join(&sandbox, &volume, &node);
        if run.code() == Some(0) {
            return Disk::LargeEnough;
        }
        assert_said_plainly(&run, &volume, options);
        assert_nothing_half_written(&volume, options);

        volume.remount(ROOM);
        assert_eq!(join(&sandbox, &volume, &node).json()["node"], node);
        Disk::TooSmall
    });
}

/// What a disk turned out to be.
#[derive(PartialEq, Eq)]
enum Disk {
    TooSmall,
    LargeEnough,
}

/// Runs the check on each disk, on all at the same time.
fn on_each(disks: &[String], check: impl Fn(&str) -> Disk + Sync) {
    let too_small = std::thread::scope(|scope| {
        let check = &check;
        let runs: Vec<_> = disks
            .iter()
            .map(|options| scope.spawn(move || check(options)))
            .collect();
        let found = runs.into_iter().map(|run| run.join().expect("no panic"));
        found.filter(|disk| *disk == Disk::TooSmall).count()
    });
    assert!(too_small > 10, "only {too_small} disks were too small");
}

#[test]
fn a_server_whose_disk_fills_up_loses_nothing_and_recovers() {
    let sandbox = Sandbox::new();
    let volume = Volume::new(&sandbox, "disk", ROOM);
    let init = volume.slipway(&sandbox, &INIT).json();
    let ids = |run: &Finished| -> BTreeSet<String> {
        let tokens = run.json();
        let tokens = tokens.as_array().expect("a list");
        let id = |token: &serde_json::Value| token["id"].as_str().expect("an ID").to_owned();
        tokens.iter().map(id).collect()
    };
    let list = || ids(&volume.slipway(&sandbox, &["token", "list", "--output=json"]));
    let description = format!("--description={}", "a".repeat(50_000));
    let create = || {
        volume.slipway(
            &sandbox,
            &["token", "create", &description, "--output=json"],
        )
    };
    let filler = volume.outside().join("filler");
    let mut file = File::create(&filler).expect("a file");
    while file.write(&[0; 4096]).is_ok_and(|written| written > 0) {}

    let mut acknowledged = list();
    let refused = loop {
        let run = create();
        if run.code() != Some(0) {
            break run;
        }
        let id = run.json()["id"].as_str().expect("an ID").to_owned();
        acknowledged.insert(id);
        assert!(acknowledged.len() < 50, "the disk is not full");
    };
    assert_said_plainly(&refused, &volume, "the disk filled up");
    let message = refused.message_in_json(1);
    let message = message["error"].as_str().expect("a text");
    assert_snapshot!("server-full", without_changing_parts(message));
    assert_eq!(list(), acknowledged, "what is there is served");

    std::fs::remove_file(&filler).expect("the filler can be removed");
    drop(file);
    let id = create().json()["id"].as_str().expect("an ID").to_owned();
    acknowledged.insert(id);
    assert_eq!(list(), acknowledged, "there is room again");

    let server = init["server"].as_str().expect("a server");
    let server = server.trim_start_matches("https://");
    let listens = || std::net::TcpStream::connect(server).is_ok();
    let pause = || std::thread::sleep(std::time::Duration::from_millis(20));
    volume.kill();
    // The kernel closes the sockets of a killed process a moment after it has left the namespace.
    while listens() {
        pause();
    }
    let mut serve = volume
        .command(&sandbox, &["serve"])
        .stderr(Stdio::null())
        .spawn()
        .expect("serve starts");
    while !listens() {
        assert!(serve.try_wait().expect("a child").is_none(), "serve ended");
        pause();
    }
    assert_eq!(list(), acknowledged, "and it is on disk");
    volume.kill();
    let _ = serve.wait();
}

#[test]
fn a_disk_that_is_read_only() {
    let sandbox = Sandbox::new();
    let volume = Volume::new(&sandbox, "disk", "size=64m");
    volume.remount("ro");
    assert_snapshot!(
        "init-read-only",
        volume.slipway(&sandbox, &INIT[..3]).message(1)
    );
    volume.remount("rw");
    let _ = volume.slipway(&sandbox, &INIT).success();
    volume.kill();
    volume.remount("ro");
    assert_snapshot!(
        "serve-read-only",
        volume.slipway(&sandbox, &["serve"]).message(1)
    );
    assert_snapshot!(
        "reset-read-only",
        volume.slipway(&sandbox, &["reset", "--force"]).message(1)
    );
    volume.remount("rw");
    let _ = volume.slipway(&sandbox, &["reset", "--force"]).success();
    assert_eq!(volume.files().len(), 0, "{:?}", volume.files().keys());
}

#[test]
fn output_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    let full = || {
        File::options()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full")
    };
    for arguments in [
        &["version"][..],
        &["token", "generate"],
        &["config", "schema"],
        &["plugin", "list"],
        &["completion", "bash"],
    ] {
        let output = output(sandbox.command(arguments).stdout(full()));
        assert_eq!(output.0, Some(1), "{arguments:?}: {}", output.1);
        assert!(
            output.1.contains("No space left on device") && !output.1.contains("panicked"),
            "{arguments:?}: {}",
            output.1
        );
    }
    let usage = output(sandbox.command(&["join"]).stderr(full()));
    assert_eq!(
        usage.0,
        Some(2),
        "the exit code tells even where no text can"
    );
}

/// The exit code, and what was said on standard error where that was not given.
fn output(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().expect("slipway can be run");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}
