//! A folder of a test's own, and commands that know nothing else.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::program::{Finished, openssl, slipway};

/// A machine, as far as Slipway sees one: a folder for its state, an empty home, no environment.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    /// An empty one.
    ///
    /// # Panics
    /// There can be no temporary folder.
    #[must_use]
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// What `--dir` is given.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("slipway")
    }

    /// The folder of the decision log of a server or of controllers that run here.
    #[must_use]
    pub fn decision_log(&self) -> PathBuf {
        self.dir().join("state/decisions")
    }

    /// Makes a certificate with these extensions that its own key has signed, for a day: the files of both.
    ///
    /// # Panics
    /// openssl fails.
    #[must_use]
    #[track_caller]
    pub fn self_signed(&self, name: &str, extensions: &[&str]) -> (PathBuf, PathBuf) {
        let (certificate, key) = (
            self.file(&format!("{name}.crt")),
            self.file(&format!("{name}.key")),
        );
        let extensions = extensions.join("\n");
        let profile = format!(
            "[req]\ndistinguished_name=dn\nx509_extensions=extensions\n[dn]\n[extensions]\n{extensions}\n"
        );
        let profile = self.write(&format!("{name}.cnf"), &profile);
        let mut command = openssl();
        command
            .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "1"])
            .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-subj", &format!("/CN={name}")])
            .arg("-config")
            .arg(profile)
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate);
        let _ = Finished::of(&mut command, "").success();
        (certificate, key)
    }

    /// A file of the test's beside Slipway's folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the test's.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, text).expect("a file in a temporary folder");
        path
    }

    /// A slipway command on this machine.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(slipway());
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("SLIPWAY_DIR", self.dir())
            .current_dir(self.folder.path());
        command
    }

    /// Runs slipway to its end.
    #[must_use]
    pub fn slipway(&self, arguments: &[&str]) -> Finished {
        Finished::of(&mut self.command(arguments), "")
    }

    /// Runs slipway with something in its environment.
    #[must_use]
    pub fn slipway_with(&self, variable: (&str, &str), arguments: &[&str]) -> Finished {
        Finished::of(self.command(arguments).env(variable.0, variable.1), "")
    }

    /// Starts slipway and goes on; its output lands in `log`.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn spawn(&self, log: &str, variable: (&str, &str), arguments: &[&str]) -> Child {
        let log = std::fs::File::create(self.file(log)).expect("a file in a temporary folder");
        self.command(arguments)
            .env(variable.0, variable.1)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .spawn()
            .expect("slipway can be started")
    }

    /// Waits until a log has a line that begins with `start`, and returns the rest of it.
    ///
    /// # Panics
    /// There is none after half a minute.
    #[must_use]
    pub fn wait_for_text(&self, log: &str, start: &str) -> String {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let text = std::fs::read_to_string(self.file(log)).unwrap_or_default();
            let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
            if let Some(rest) = complete.lines().find_map(|line| line.strip_prefix(start)) {
                return rest.to_owned();
            }
            assert!(Instant::now() < end, "no {start:?} in {log}:\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What Slipway has made here, but for its lock and the list of what it wrote, which is empty.
    ///
    /// # Panics
    /// A name is not UTF-8.
    #[must_use]
    pub fn made(&self) -> Vec<String> {
        made(&self.dir())
    }

    /// The folder of everything.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn made(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .flat_map(|entry| match entry.file_name().to_str() {
            Some("state") => made(&entry.path()),
            Some("lock" | "manifest.json") => Vec::new(),
            name => vec![name.expect("UTF-8").to_owned()],
        })
        .collect()
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}
