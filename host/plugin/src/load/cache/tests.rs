use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::engine::Allocation;

/// A component that has nothing in it.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

struct Fixture {
    folder: tempfile::TempDir,
    engine: Engine,
    cache: Cache,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("plugins"));
        let engine = Engine::start(Allocation::OnDemand).unwrap();
        Self {
            folder,
            engine,
            cache,
        }
    }

    fn component(&self) -> Vec<u8> {
        EMPTY.to_vec()
    }

    fn load(&self) -> Result<Component, LoadError> {
        self.cache.component("p", &self.engine, &self.component())
    }

    fn file(&self) -> PathBuf {
        self.cache.path(&self.engine, &self.component())
    }

    fn is_used(&self) -> bool {
        load(&self.engine, &self.file()).is_some()
    }
}

#[test]
fn what_was_compiled_is_kept_in_private_and_used_again() {
    let fixture = Fixture::new();
    fixture.load().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&fixture.cache.folder), 0o700);
    assert_eq!(mode(&fixture.file()), 0o600);
    assert!(fixture.is_used());
    fixture.load().unwrap();
}

#[test]
fn a_changed_file_is_not_used_and_replaced() {
    let fixture = Fixture::new();
    fixture.load().unwrap();
    let good = fs::read(fixture.file()).unwrap();
    for at in [0, DIGEST_BYTES, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(fixture.file(), &bad).unwrap();
        assert!(!fixture.is_used(), "changed at {at}");
    }
    fs::write(fixture.file(), &good[..16]).unwrap();
    assert!(!fixture.is_used());
    fixture.load().unwrap();
    assert!(fixture.is_used());
}

#[test]
fn a_planted_file_is_not_used() {
    let fixture = Fixture::new();
    fixture.load().unwrap();
    fs::set_permissions(fixture.file(), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(!fixture.is_used());

    let elsewhere = fixture.folder.path().join("elsewhere");
    fs::rename(fixture.file(), &elsewhere).unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&elsewhere, fixture.file()).unwrap();
    assert!(!fixture.is_used());
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let fixture = Fixture::new();
    fs::create_dir(&fixture.cache.folder).unwrap();
    fs::set_permissions(&fixture.cache.folder, fs::Permissions::from_mode(0o777)).unwrap();
    let refused = fixture.load().unwrap_err().to_string();
    assert!(
        refused.contains("others than its owner have access to it"),
        "{refused}"
    );
    assert!(!fixture.file().exists());
}

#[test]
fn other_settings_of_the_compiler_have_another_name() {
    let fixture = Fixture::new();
    let pooling = Engine::start(Allocation::Pooling).unwrap();
    // Allocation is no setting of the compiler: both load the same code.
    assert_eq!(fixture.engine.fingerprint(), pooling.fingerprint());
    assert_ne!(
        fixture.cache.path(&pooling, b"a"),
        fixture.cache.path(&pooling, b"b")
    );
}
