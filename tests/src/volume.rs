//! A disk of a test's own, small enough to be full. It is a file system in memory that only processes in its own
//! namespace see, so that no privilege is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::cluster::kill;
use crate::namespace::hold;
use crate::program::{Finished, through};
use crate::sandbox::Sandbox;

/// How many disks are a little smaller or larger than what they have to hold: the last steps need little.
const LAST_STEPS: u64 = 3;

/// How long a process that was told to end may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// Mounts, says so, and stays until it is told to end.
const HOLD: &str = r#"mount -t tmpfs -o "$1" tmpfs "$2" && echo ready && exec cat"#;

/// A small disk. It goes with the value, and so do the processes that see it.
#[derive(Debug)]
pub struct Volume {
    holder: Child,
    path: PathBuf,
}

impl Volume {
    /// A disk with the options of tmpfs (`size=64k`, `nr_inodes=10`), at `name` in the sandbox.
    ///
    /// # Panics
    /// This machine lets no user have a mount namespace: the test cannot be run, and is not passed over.
    #[must_use]
    pub fn new(sandbox: &Sandbox, name: &str, options: &str) -> Self {
        let path = sandbox.file(name);
        fs::create_dir(&path).expect("a folder in a temporary folder");
        let arguments = ["sh".as_ref(), options.as_ref(), path.as_os_str()];
        let holder = hold(&["--mount"], HOLD, &arguments);
        Self { holder, path }
    }

    /// Where it is, for those who see it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Slipway on a machine whose folder is on this disk.
    #[must_use]
    pub fn command(&self, sandbox: &Sandbox, arguments: &[&str]) -> Command {
        self.on_it(&mut sandbox.command(arguments))
    }

    /// The same for a command that a test has prepared.
    #[must_use]
    pub fn on_it(&self, command: &mut Command) -> Command {
        self.enter(command.env("SLIPWAY_DIR", self.path.join("slipway")))
    }

    /// Runs slipway on it to its end.
    #[must_use]
    pub fn slipway(&self, sandbox: &Sandbox, arguments: &[&str]) -> Finished {
        Finished::of(&mut self.command(sandbox, arguments), "")
    }

    /// Changes the options of the disk, its size for instance.
    ///
    /// # Panics
    /// It cannot be changed.
    pub fn remount(&self, options: &str) {
        let mut mount = Command::new("mount");
        mount
            .arg("-o")
            .arg(format!("remount,{options}"))
            // With the source named, the options are these and not those that the kernel shows, which name a user that
            // the namespace does not know.
            .arg("tmpfs")
            .arg(&self.path);
        mount.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let end = Instant::now() + PATIENCE;
        loop {
            let run = Finished::of(&mut self.enter(&mount), "");
            // The kernel closes the files of a killed process a moment after it has left the namespace.
            if !run.stderr().contains("is busy") || Instant::now() > end {
                let _ = run.success();
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Options of smaller disks, from almost nothing to just enough for what is on this one: each lacks room at another
    /// step of whatever filled this one, which may have needed a little more on the way.
    ///
    /// # Panics
    /// The system does not say how much is on it.
    #[must_use]
    pub fn smaller(&self, steps: u64) -> Vec<String> {
        let disk = rustix::fs::statvfs(self.outside()).expect("a disk says how full it is");
        let blocks = disk.f_blocks - disk.f_bfree;
        let inodes = disk.f_files - disk.f_ffree;
        let parts = |whole: u64| -> BTreeSet<u64> {
            let even = (1..steps).map(|step| (whole * step / steps).max(2));
            even.chain(whole - LAST_STEPS..=whole + LAST_STEPS)
                .collect()
        };
        let sizes = parts(blocks)
            .into_iter()
            .map(|blocks| format!("size={}", blocks * disk.f_frsize));
        let counts = parts(inodes)
            .into_iter()
            .map(|inodes| format!("nr_inodes={inodes}"));
        sizes.chain(counts).collect()
    }

    /// Every file on it with its content.
    ///
    /// # Panics
    /// They cannot be read.
    #[must_use]
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let root = self.outside();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder").flatten() {
                let path = entry.path();
                if entry.file_type().expect("a kind").is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&root).expect("below the root").to_owned();
                    files.insert(name, fs::read(&path).expect("a file"));
                }
            }
        }
        files
    }

    /// Where the test itself, which does not see the disk, finds it.
    #[must_use]
    pub fn outside(&self) -> PathBuf {
        let root = format!("/proc/{}/root", self.holder.id());
        Path::new(&root).join(self.path.strip_prefix("/").expect("an absolute path"))
    }

    /// Processes that see it, but for the one that holds it.
    fn processes(&self) -> Vec<u32> {
        let namespace = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
        let own = namespace(self.holder.id()).expect("the holder lives");
        fs::read_dir("/proc")
            .expect("/proc")
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| *pid != self.holder.id() && namespace(*pid).as_ref() == Some(&own))
            .collect()
    }

    /// Ends the processes that see it, and waits until they are gone.
    ///
    /// # Panics
    /// They stay.
    pub fn kill(&self) {
        self.processes().into_iter().for_each(kill);
        self.wait_until_unused();
    }

    /// Waits until no process sees it: one that was told to end may need a moment.
    ///
    /// # Panics
    /// One stays.
    #[track_caller]
    pub fn wait_until_unused(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < end, "{left:?} do not end");
            std::thread::sleep(PAUSE);
        }
    }

    fn enter(&self, command: &Command) -> Command {
        let pid = self.holder.id().to_string();
        through(
            &[
                "nsenter",
                "--user",
                "--mount",
                "--preserve-credentials",
                "--target",
                &pid,
                "--",
            ],
            command,
        )
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        self.processes().into_iter().for_each(kill);
        // It may have ended by itself.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
