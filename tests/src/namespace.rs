//! Namespaces of a test's own, for which no privilege is needed. They last as long as the process that holds them.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// Has a shell set up namespaces of these kinds (`--mount`), beside one of users. The script gets the arguments from `$0`
/// on, says `ready`, and stays until it is told to end.
///
/// # Panics
/// This machine lets no user have such a namespace: the test cannot be run, and is not passed over.
pub(crate) fn hold(kinds: &[&str], script: &str, arguments: &[&OsStr]) -> Child {
    let mut holder = Command::new("unshare")
        .args(["--user", "--map-root-user"])
        .args(kinds)
        .args(["sh", "-c", script])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("unshare (util-linux) can be run");
    let mut said = String::new();
    let stdout = holder.stdout.take().expect("stdout is piped");
    BufReader::new(stdout)
        .read_line(&mut said)
        .expect("what a child says can be read");
    assert_eq!(
        said, "ready\n",
        "this machine refuses a namespace of its own with {kinds:?} (kernel.unprivileged_userns_clone, AppArmor, seccomp)"
    );
    holder
}
