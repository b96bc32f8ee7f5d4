//! Where the components are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable with which `cargo xtask test` says where they are.
const FOLDER: &str = "SLIPWAY_TEST_KUBERNETES";

/// A command for a component, with nothing of this machine's environment.
///
/// # Panics
/// The component is not there: a test that needs it cannot be run, and is not passed over.
#[must_use]
pub fn component(name: &str) -> Command {
    let folder = std::env::var_os(FOLDER).unwrap_or_else(|| {
        panic!(
            "{FOLDER} names no folder with Kubernetes' components; run the tests with `cargo xtask test`"
        )
    });
    let program = PathBuf::from(folder).join(name);
    assert!(
        program.is_file(),
        "there is no {}; `cargo xtask setup` builds it",
        program.display()
    );
    let mut command = Command::new(program);
    command.env_clear().env("PATH", search_path());
    command
}

/// A command for this release's kubectl with these credentials.
///
/// # Panics
/// As for [`component`].
#[must_use]
pub fn kubectl(kubeconfig: &Path) -> Command {
    let mut command = component("kubectl");
    command
        .env("KUBECONFIG", kubeconfig)
        .env("HOME", kubeconfig.parent().expect("a file has a folder"));
    command
}

/// Where components look for programs: as the tests do, and where root has its own (losetup, mount). Who runs the tests
/// may have a shorter list.
pub(super) fn search_path() -> OsString {
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&inherited).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    std::env::join_paths(folders).expect("folders of a PATH")
}
