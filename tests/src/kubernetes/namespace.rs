//! Root of a user namespace, for components that want to be root.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::program::through;

/// Puts the folders in their places and the kernel's settings out of reach: kubelet would change them for everybody where
/// root runs the tests.
const ENTER: &str = r#"
set -e
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro,nosuid,nodev,noexec /proc/sys
while [ "$1" != -- ]; do
    mount --bind "$0/$1" "/$1"
    shift
done
shift
exec "$@"
"#;

/// The same command as root of a user namespace of its own, where these folders of `root` stand in the place of the
/// machine's: `etc` is `/etc`.
///
/// # Panics
/// The folders cannot be made.
pub(super) fn with_folders(root: &Path, folders: &[&str], command: &Command) -> Command {
    for folder in folders {
        fs::create_dir_all(root.join(folder)).expect("a folder in a temporary folder");
    }
    let root = root.to_str().expect("a path in UTF-8");
    let unshare = ["unshare", "--user", "--map-root-user", "--mount"];
    let shell = ["sh", "-c", ENTER, root];
    through(&[&unshare, &shell, folders, &["--"]].concat(), command)
}
