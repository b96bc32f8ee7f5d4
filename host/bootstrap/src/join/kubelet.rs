//! Starting the kubelet, where there is one.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

const TIMEOUT: Duration = Duration::from_secs(30);

/// What became of the kubelet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KubeletOutcome {
    /// It was (re)started, and will start with the machine.
    Started,
    /// There is none to start, and why not: the node has its identity all the same.
    Absent(String),
    /// There is one, and it did not start.
    Failed(String),
    /// The operator left it out.
    Skipped,
}

/// Starts the unit `kubelet` with the `systemctl` that is found in `search_path`, a list like `PATH`.
pub(super) async fn start(search_path: Option<&OsStr>) -> KubeletOutcome {
    let Some(systemctl) = find(search_path, "systemctl") else {
        return KubeletOutcome::Absent("there is no systemctl on this machine".to_owned());
    };
    match run(&systemctl, &["cat", "kubelet.service"]).await {
        Ok(()) => {}
        Err(Failure::Refused(_)) => {
            return KubeletOutcome::Absent("systemd knows no unit kubelet".to_owned());
        }
        Err(failure) => return KubeletOutcome::Failed(failure.text()),
    }
    for arguments in [
        ["enable", "kubelet.service"],
        ["restart", "kubelet.service"],
    ] {
        if let Err(failure) = run(&systemctl, &arguments).await {
            let command = arguments.join(" ");
            return KubeletOutcome::Failed(format!("systemctl {command}: {}", failure.text()));
        }
    }
    KubeletOutcome::Started
}

enum Failure {
    Refused(String),
    Broken(String),
}

impl Failure {
    fn text(self) -> String {
        match self {
            Self::Refused(text) | Self::Broken(text) => text,
        }
    }
}

async fn run(program: &Path, arguments: &[&str]) -> Result<(), Failure> {
    let output = Command::new(program)
        .args(arguments)
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(TIMEOUT, output).await {
        Err(_) => Err(Failure::Broken(format!(
            "no answer within {} s",
            TIMEOUT.as_secs()
        ))),
        Ok(Err(error)) => Err(Failure::Broken(error.to_string())),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(Failure::Refused(if said.is_empty() {
                output.status.to_string()
            } else {
                said
            }))
        }
    }
}

fn find(search_path: Option<&OsStr>, program: &str) -> Option<PathBuf> {
    std::env::split_paths(search_path?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn systemctl(script: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("systemctl");
        fs::write(
            &path,
            format!(
                "#!/bin/sh\necho \"$@\" >> {}/calls\n{script}\n",
                folder.path().display()
            ),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    #[tokio::test]
    async fn a_kubelet_is_enabled_and_restarted() {
        let folder = systemctl("exit 0");
        assert_eq!(
            start(Some(folder.path().as_os_str())).await,
            KubeletOutcome::Started
        );
        let calls = fs::read_to_string(folder.path().join("calls")).unwrap();
        assert_eq!(
            calls,
            "cat kubelet.service\nenable kubelet.service\nrestart kubelet.service\n"
        );
    }

    #[tokio::test]
    async fn without_systemctl_or_unit_it_is_said() {
        let empty = tempfile::tempdir().unwrap();
        let outcome = start(Some(empty.path().as_os_str())).await;
        assert!(matches!(outcome, KubeletOutcome::Absent(_)), "{outcome:?}");
        let folder = systemctl("exit 1");
        let outcome = start(Some(folder.path().as_os_str())).await;
        assert!(matches!(outcome, KubeletOutcome::Absent(_)), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_kubelet_that_does_not_start_is_a_failure_with_its_words() {
        let folder = systemctl("case $1 in restart) echo 'Job failed' >&2; exit 1;; esac");
        let outcome = start(Some(folder.path().as_os_str())).await;
        assert_eq!(
            outcome,
            KubeletOutcome::Failed("systemctl restart kubelet.service: Job failed".to_owned())
        );
    }
}
