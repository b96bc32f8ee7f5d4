use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::*;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn workspace() -> (tempfile::TempDir, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::under(folder.path());
    (folder, layout)
}

#[test]
fn writes_are_private_announced_and_leave_no_temporary_file() {
    let (_folder, layout) = workspace();
    let mut files = Files::open(&layout).unwrap();
    let key = layout.ca_key();
    files.write(&key, b"one").unwrap();
    files.write(&key, b"two").unwrap();

    assert_eq!(fs::read(&key).unwrap(), b"two");
    assert_eq!(mode(&key), 0o600);
    assert_eq!(mode(layout.certificates()), 0o700);
    assert_eq!(mode(&layout.manifest()), 0o600);
    let names: Vec<_> = fs::read_dir(layout.certificates())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["ca.key"]);

    drop(files);
    let reopened = Files::open(&layout).unwrap();
    assert!(reopened.is_ours(&key).unwrap());
    assert_eq!(
        reopened.manifest().entry(layout.certificates()),
        Some(&Entry::Folder)
    );
}

#[test]
fn a_foreign_file_is_never_overwritten() {
    let (_folder, layout) = workspace();
    let mut files = Files::open(&layout).unwrap();
    fs::create_dir_all(layout.kubernetes()).unwrap();
    fs::write(layout.admin_kubeconfig(), "theirs").unwrap();
    let error = files
        .write(&layout.admin_kubeconfig(), b"ours")
        .unwrap_err();
    assert!(matches!(error, FileError::Foreign { .. }), "{error}");
    assert_eq!(
        fs::read_to_string(layout.admin_kubeconfig()).unwrap(),
        "theirs"
    );
    assert!(matches!(
        files.remove(&layout.admin_kubeconfig()),
        Err(FileError::Foreign { .. })
    ));
    assert!(matches!(
        files.adopt(&layout.admin_kubeconfig()),
        Err(FileError::Foreign { .. })
    ));
}

#[test]
fn a_change_by_somebody_else_is_seen() {
    let (_folder, layout) = workspace();
    let mut files = Files::open(&layout).unwrap();
    files.write(&layout.ca_certificate(), b"ours").unwrap();
    assert_eq!(
        files.manifest().inspect(&layout.ca_certificate()).unwrap(),
        Written::Unchanged
    );
    fs::write(layout.ca_certificate(), "theirs").unwrap();
    assert_eq!(
        files.manifest().inspect(&layout.ca_certificate()).unwrap(),
        Written::Changed
    );
    assert!(matches!(
        files.write(&layout.ca_certificate(), b"again"),
        Err(FileError::Changed { .. })
    ));
    fs::remove_file(layout.ca_certificate()).unwrap();
    assert_eq!(
        files.manifest().inspect(&layout.ca_certificate()).unwrap(),
        Written::Missing
    );
}

#[test]
fn between_announcement_and_rename_both_contents_are_ours() {
    let mut manifest = Manifest::default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    manifest.announce(&path, b"old");
    manifest.settle(&path);
    manifest.announce(&path, b"new");
    for contents in ["old", "new"] {
        fs::write(&path, contents).unwrap();
        assert_eq!(
            manifest.inspect(&path).unwrap(),
            Written::Unchanged,
            "{contents}"
        );
    }
    manifest.settle(&path);
    fs::write(&path, "old").unwrap();
    assert_eq!(manifest.inspect(&path).unwrap(), Written::Changed);
}

#[test]
fn what_a_crash_left_under_a_temporary_name_is_swept_up_and_nothing_else() {
    let (_folder, layout) = workspace();
    Files::open(&layout)
        .unwrap()
        .write(&layout.ca_key(), b"key")
        .unwrap();
    let leftover = layout.certificates().join(".ca.key.slipway-a1b2c3");
    let foreign = layout.certificates().join(".theirs.slipway-a1b2c3");
    fs::write(&leftover, "half a key").unwrap();
    fs::write(&foreign, "theirs").unwrap();
    Files::open(&layout).unwrap();
    assert!(!leftover.exists());
    assert!(foreign.exists());
    assert!(layout.ca_key().exists());
}

#[test]
fn one_foreign_file_keeps_all_from_being_written() {
    let (_folder, layout) = workspace();
    let mut files = Files::open(&layout).unwrap();
    fs::create_dir_all(layout.kubernetes()).unwrap();
    fs::write(layout.kubelet_kubeconfig(), "theirs").unwrap();
    let error = files
        .write_all(&[
            Write::link(layout.kubelet_client_current(), "dated.pem"),
            Write::file(layout.ca_certificate(), b"ours"),
            Write::file(layout.kubelet_kubeconfig(), b"ours"),
        ])
        .unwrap_err();
    assert!(matches!(error, FileError::Foreign { .. }), "{error}");
    assert!(!layout.ca_certificate().exists());
    assert!(!exists(&layout.kubelet_client_current()).unwrap());
}

#[test]
fn what_keeps_changing_stays_known_as_that() {
    let (_folder, layout) = workspace();
    let mut files = Files::open(&layout).unwrap();
    let record = layout.join_record();
    files.adopt(&record).unwrap();
    files.write(&record, b"one").unwrap();
    files.write(&record, b"two").unwrap();
    assert_eq!(fs::read(&record).unwrap(), b"two");
    assert_eq!(mode(&record), 0o600);
    drop(files);
    let reopened = Files::open(&layout).unwrap();
    assert_eq!(reopened.manifest().entry(&record), Some(&Entry::Data));
}

#[test]
fn links_are_replaced_in_one_step() {
    let (_folder, layout) = workspace();
    let mut files = Files::open(&layout).unwrap();
    let link = layout.kubelet_client_current();
    for target in ["first.pem", "second.pem"] {
        files.write_all(&[Write::link(&link, target)]).unwrap();
    }
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("second.pem"));
    assert_eq!(fs::read_dir(layout.kubelet()).unwrap().count(), 1);
    assert!(files.is_ours(&link).unwrap());
}

#[test]
fn one_process_at_a_time() {
    let (_folder, layout) = workspace();
    let files = Files::open(&layout).unwrap();
    assert!(matches!(Files::open(&layout), Err(FileError::Busy { .. })));
    drop(files);
    Files::open(&layout).unwrap();
}

#[test]
fn a_state_folder_that_others_can_write_to_is_refused() {
    let (_folder, layout) = workspace();
    fs::create_dir_all(layout.state()).unwrap();
    fs::set_permissions(layout.state(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = Files::open(&layout).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("others may write to it (mode 0777)"),
        "{error}"
    );
}

#[test]
fn a_damaged_manifest_is_named_and_not_replaced() {
    let (_folder, layout) = workspace();
    drop(Files::open(&layout).unwrap());
    fs::write(layout.manifest(), "{ half").unwrap();
    let error = Files::open(&layout).unwrap_err();
    assert!(matches!(error, FileError::BadManifest { .. }), "{error}");
    assert_eq!(fs::read_to_string(layout.manifest()).unwrap(), "{ half");
}

/// The umask belongs to the whole process, so this one runs in a child: the test binary itself, asked for the
/// ignored test below.
#[test]
fn modes_hold_under_a_hostile_umask() {
    for umask in ["000", "777"] {
        let folder = tempfile::tempdir().unwrap();
        let status = std::process::Command::new("sh")
            .args(["-c", "umask $0; exec \"$@\"", umask])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "files::tests::child_writes_under_the_umask_of_its_parent",
            ])
            .env("SLIPWAY_TEST_FOLDER", folder.path())
            .output()
            .unwrap();
        assert!(
            status.status.success(),
            "{}",
            String::from_utf8_lossy(&status.stdout)
        );
        let layout = Layout::under(folder.path());
        for path in [layout.ca_key(), layout.manifest(), layout.lock()] {
            assert_eq!(mode(&path), 0o600, "{} under umask {umask}", path.display());
        }
        for path in [layout.state(), layout.kubernetes(), layout.certificates()] {
            assert_eq!(mode(path), 0o700, "{} under umask {umask}", path.display());
        }
    }
}

#[test]
#[ignore = "the child of modes_hold_under_a_hostile_umask"]
fn child_writes_under_the_umask_of_its_parent() {
    let folder = std::env::var_os("SLIPWAY_TEST_FOLDER").expect("run by its parent only");
    let layout = Layout::under(Path::new(&folder));
    let mut files = Files::open(&layout).unwrap();
    files.write(&layout.ca_key(), b"key").unwrap();
}
