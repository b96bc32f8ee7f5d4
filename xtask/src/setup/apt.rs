//! Debian packages without installing them: private lists and caches, the machine's own mirror.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::command::run_quietly;

/// Whether this machine has apt.
pub(super) fn is_there() -> bool {
    ["apt-get", "dpkg"].iter().all(|program| {
        Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

/// Where packages come from, with lists of its own.
pub(super) struct Archive {
    folder: tempfile::TempDir,
    sources: Option<PathBuf>,
}

/// A downloaded package; removed with the value.
pub(super) struct Package {
    file: PathBuf,
    _archive: Archive,
}

impl Package {
    pub(super) fn path(&self) -> &Path {
        &self.file
    }
}

impl Archive {
    /// The machine's own sources.
    pub(super) fn of_this_machine() -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
        for below in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.path().join(below))?;
        }
        Ok(Self {
            folder,
            sources: None,
        })
    }

    /// The machine's own mirror with another suite: no host name stands in the code.
    pub(super) fn of_suite(suite: &str) -> Result<Self> {
        let mut archive = Self::of_this_machine()?;
        let mirror = Mirror::of_this_machine()?;
        let file = archive.folder.path().join("sources.list");
        let options = mirror
            .signed_by
            .map(|key| format!("[signed-by={key}] "))
            .unwrap_or_default();
        fs::write(
            &file,
            format!("deb {options}{} {suite} main\n", mirror.address),
        )?;
        archive.sources = Some(file);
        Ok(archive)
    }

    /// Downloads `package`, which may carry a version as `name=version`.
    pub(super) fn download(self, package: &str) -> Result<Package> {
        run_quietly(self.apt_get().arg("update"))?;
        run_quietly(
            self.apt_get()
                .args(["download", package])
                .current_dir(self.folder.path()),
        )?;
        let file = fs::read_dir(self.folder.path())?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .with_context(|| format!("apt-get download {package} left no package"))?;
        Ok(Package {
            file,
            _archive: self,
        })
    }

    fn apt_get(&self) -> Command {
        let folder = self.folder.path().display();
        let mut apt_get = Command::new("apt-get");
        apt_get
            .arg(format!("-oDir::State::lists={folder}/lists"))
            .arg(format!("-oDir::Cache={folder}/cache"))
            .args(["-oAPT::Sandbox::User=root", "-oAcquire::Retries=3"]);
        if let Some(sources) = &self.sources {
            apt_get
                .arg(format!("-oDir::Etc::sourcelist={}", sources.display()))
                .arg("-oDir::Etc::sourceparts=/dev/null");
        }
        apt_get
    }
}

/// Where this machine's apt gets Debian's main archive.
#[derive(Debug, PartialEq)]
struct Mirror {
    address: String,
    signed_by: Option<String>,
}

impl Mirror {
    fn of_this_machine() -> Result<Self> {
        let folder = Path::new("/etc/apt/sources.list.d");
        let parts = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        let files = std::iter::once(PathBuf::from("/etc/apt/sources.list")).chain(parts);
        for file in files {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let mirror = match file.extension().and_then(|extension| extension.to_str()) {
                Some("sources") => Self::from_stanzas(&text),
                Some("list") => Self::from_lines(&text),
                _ => None,
            };
            if let Some(mirror) = mirror {
                return Ok(mirror);
            }
        }
        bail!(
            "no source of Debian's archive in /etc/apt/sources.list or {}",
            folder.display()
        )
    }

    /// The one-line form of sources.list(5).
    fn from_lines(text: &str) -> Option<Self> {
        text.lines().find_map(|line| {
            let line = line.trim().strip_prefix("deb ")?.trim_start();
            let (options, rest) = match line.strip_prefix('[') {
                Some(line) => line.split_once(']')?,
                None => ("", line),
            };
            let address = rest.split_whitespace().next()?;
            is_debian(address).then(|| Self {
                address: address.to_owned(),
                signed_by: options
                    .split_whitespace()
                    .find_map(|option| option.strip_prefix("signed-by="))
                    .map(str::to_owned),
            })
        })
    }

    /// The deb822 form of sources.list(5).
    fn from_stanzas(text: &str) -> Option<Self> {
        text.split("\n\n").find_map(|stanza| {
            let field = |name: &str| {
                stanza.lines().find_map(|line| {
                    let (key, value) = line.split_once(':')?;
                    key.eq_ignore_ascii_case(name)
                        .then(|| value.trim().to_owned())
                })
            };
            let address = field("URIs")?.split_whitespace().next()?.to_owned();
            is_debian(&address).then(|| Self {
                address,
                signed_by: field("Signed-By"),
            })
        })
    }
}

/// The archive itself, not the one of security updates.
fn is_debian(address: &str) -> bool {
    address.trim_end_matches('/').ends_with("/debian")
}

#[cfg(test)]
mod tests {
    use super::Mirror;

    fn mirror(signed_by: Option<&str>) -> Option<Mirror> {
        Some(Mirror {
            address: "http://mirror.example/debian".to_owned(),
            signed_by: signed_by.map(str::to_owned),
        })
    }

    #[test]
    fn reads_both_forms_of_sources() {
        let stanza = "Types: deb\nURIs: http://mirror.example/debian-security\nSuites: x\n\n\
                      Types: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: bookworm\nSigned-By: /k.gpg\n";
        assert_eq!(Mirror::from_stanzas(stanza), mirror(Some("/k.gpg")));
        let lines = "# deb http://other.example/debian x main\n\
                     deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main\n";
        assert_eq!(Mirror::from_lines(lines), mirror(Some("/k.gpg")));
        assert_eq!(
            Mirror::from_lines("deb http://mirror.example/debian bookworm main"),
            mirror(None)
        );
        assert_eq!(
            Mirror::from_lines("deb http://mirror.example/ubuntu jammy main"),
            None
        );
    }
}
