//! The real components of Kubernetes that the tests run against, built from their published sources as
//! `tests/kubernetes/go.mod` pins them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::command::{root, run_quietly, say};

/// Where Go's own installation instructions put it.
const USUAL_GO: &str = "/usr/local/go/bin/go";

/// A program that is built.
struct Component {
    name: &'static str,
    package: &'static str,
    /// The module whose version the program says to be; none where it has no version.
    module: Option<&'static str>,
    /// The argument with which it says so.
    version: &'static str,
}

const KUBERNETES: &str = "k8s.io/kubernetes";

const COMPONENTS: [Component; 7] = [
    Component {
        name: "etcd",
        package: "go.etcd.io/etcd/server/v3",
        module: Some("go.etcd.io/etcd/server/v3"),
        version: "--version",
    },
    of_kubernetes(
        "kube-apiserver",
        "k8s.io/kubernetes/cmd/kube-apiserver",
        "--version",
    ),
    of_kubernetes(
        "kube-controller-manager",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        "--version",
    ),
    of_kubernetes("kubelet", "k8s.io/kubernetes/cmd/kubelet", "--version"),
    of_kubernetes("kubeadm", "k8s.io/kubernetes/cmd/kubeadm", "version"),
    of_kubernetes(
        "kubectl",
        "k8s.io/kubernetes/cmd/kubectl",
        "version --client",
    ),
    Component {
        name: "container-runtime",
        package: "./container-runtime",
        module: None,
        version: "",
    },
];

/// The folder with the components that the tests run against.
pub(crate) fn kubernetes() -> Result<PathBuf> {
    let source = Source::find()?;
    let name = format!(
        "kubernetes-{}-{}",
        source.version(KUBERNETES)?,
        source.digest()?
    );
    Ok(super::cache()?.join(name))
}

/// Builds them unless they are there.
pub(super) fn ensure() -> Result<()> {
    let folder = kubernetes()?;
    if folder.is_dir() {
        return Ok(());
    }
    let source = Source::find()?;
    let go = go()?;
    say(&format!(
        "setup: building the components of Kubernetes {} from source (some minutes, once)",
        source.version(KUBERNETES)?
    ));
    super::make_folder(&folder, |folder| {
        for (done, component) in COMPONENTS.iter().enumerate() {
            say(&format!(
                "setup: building {} ({} of {})",
                component.name,
                done + 1,
                COMPONENTS.len()
            ));
            source.build(&go, component, folder)?;
        }
        Ok(())
    })
}

const fn of_kubernetes(
    name: &'static str,
    package: &'static str,
    version: &'static str,
) -> Component {
    Component {
        name,
        package,
        module: Some(KUBERNETES),
        version,
    }
}

/// The module that pins what is built.
struct Source {
    folder: PathBuf,
    go_mod: String,
}

impl Source {
    fn find() -> Result<Self> {
        let folder = root().join("tests/kubernetes");
        let file = folder.join("go.mod");
        let go_mod =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Self { folder, go_mod })
    }

    /// The version of a module, without the `v`.
    fn version(&self, module: &str) -> Result<&str> {
        required_version(&self.go_mod, module)
            .with_context(|| format!("tests/kubernetes/go.mod requires no {module}"))
    }

    /// What tells these sources from others of the same version.
    fn digest(&self) -> Result<String> {
        let output = Command::new("sha256sum")
            .args(["go.mod", "go.sum", "container-runtime/main.go"])
            .current_dir(&self.folder)
            .output()
            .context("cannot run sha256sum")?;
        ensure!(
            output.status.success(),
            "sha256sum failed over {}: {}",
            self.folder.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let digests = String::from_utf8_lossy(&output.stdout);
        let starts = digests.lines().filter_map(|line| line.get(..8));
        Ok(starts.collect::<Vec<_>>().join("-"))
    }

    fn build(&self, go: &Path, component: &Component, folder: &Path) -> Result<()> {
        let program = folder.join(component.name);
        run_quietly(
            Command::new(go)
                .args(["build", "-trimpath", "-mod=readonly", "-ldflags"])
                .arg(self.linker_flags()?)
                .arg("-o")
                .arg(&program)
                .arg(component.package)
                .current_dir(&self.folder)
                .env("CGO_ENABLED", "0")
                .env("GOWORK", "off")
                .env_remove("GOFLAGS"),
        )?;
        match component.module {
            Some(module) => check_version(&program, component.version, self.version(module)?),
            None => Ok(()),
        }
    }

    /// The version is no part of Kubernetes' sources: its release stamps it into the programs, as this does. kubeadm and
    /// the API server go by it.
    fn linker_flags(&self) -> Result<String> {
        let version = self.version(KUBERNETES)?;
        let mut parts = version.split('.');
        let major = parts.next().unwrap_or_default();
        let minor = parts.next().unwrap_or_default();
        let stamps = [
            ("gitVersion", format!("v{version}")),
            ("gitMajor", major.to_owned()),
            ("gitMinor", minor.to_owned()),
            ("gitTreeState", "clean".to_owned()),
        ];
        let stamps = stamps
            .iter()
            .map(|(name, value)| format!(" -X k8s.io/component-base/version.{name}={value}"));
        Ok(format!("-s -w{}", stamps.collect::<String>()))
    }
}

fn check_version(program: &Path, arguments: &str, expected: &str) -> Result<()> {
    let output = Command::new(program)
        .args(arguments.split(' '))
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        said.contains(expected),
        "{} was built, and is not of the version {expected}: {}",
        program.display(),
        said.trim()
    );
    Ok(())
}

/// The version that a go.mod requires of a module, without the `v`.
fn required_version<'a>(go_mod: &'a str, module: &str) -> Option<&'a str> {
    go_mod.lines().find_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("require ").unwrap_or(line);
        let mut words = line.split_whitespace();
        (words.next() == Some(module))
            .then(|| words.next()?.strip_prefix('v'))
            .flatten()
    })
}

fn go() -> Result<PathBuf> {
    let on_path = super::on_path("go");
    on_path
        .or_else(|| Some(PathBuf::from(USUAL_GO)).filter(|go| go.is_file()))
        .with_context(|| {
            format!(
                "the tests run against Kubernetes' real components, which are built with Go, and there is no go on PATH \
                 and no {USUAL_GO}; install Go 1.26 or newer (https://go.dev/dl) and run `cargo xtask setup` again"
            )
        })
}

#[cfg(test)]
mod tests {
    use super::required_version;

    #[test]
    fn a_version_stands_in_a_list_or_by_itself() {
        let go_mod = "module example\n\nrequire a.example/one v1.2.3\n\nrequire (\n\ta.example/two v0.36.3 // indirect\n)\n\n\
                      replace (\n\ta.example/three => a.example/three v9.9.9\n)\n";
        assert_eq!(required_version(go_mod, "a.example/one"), Some("1.2.3"));
        assert_eq!(required_version(go_mod, "a.example/two"), Some("0.36.3"));
        assert_eq!(required_version(go_mod, "a.example/three"), None);
        assert_eq!(required_version(go_mod, "a.example"), None);
    }
}
