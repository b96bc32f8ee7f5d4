//! A network of a test's own, with a name server: nothing but loopback, in namespaces that need no privilege.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};

use serde_json::Value;

use crate::namespace::hold;
use crate::program::through;
use crate::sandbox::Sandbox;

/// What the resolver of every program reads: who answers, and that nobody waits long for it.
const RESOLVER: &str = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";

/// Puts the files in their places, then becomes the name server.
const ENTER: &str = r#"
set -e
mount --bind "$1/resolv.conf" /etc/resolv.conf
mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
exec python3 -c "$0" "$1/zone.json"
"#;

/// The network. It goes with the value; what runs in it has to be ended by whoever started it.
#[derive(Debug)]
pub struct Network {
    holder: Child,
    zone: PathBuf,
    _files: Sandbox,
}

impl Network {
    /// One with these records, as `network.py` reads them.
    ///
    /// # Panics
    /// This machine lets no user have a network namespace: the test cannot be run, and is not passed over.
    #[must_use]
    pub fn new(zone: &Value) -> Self {
        let files = Sandbox::new();
        files.write("resolv.conf", RESOLVER);
        files.write("nsswitch.conf", "hosts: dns\n");
        let path = files.write("zone.json", &zone.to_string());
        let arguments = [
            include_str!("network.py").as_ref(),
            files.path().as_os_str(),
        ];
        let holder = hold(&["--mount", "--net"], ENTER, &arguments);
        Self {
            holder,
            zone: path,
            _files: files,
        }
    }

    /// Has the name server answer from these records; from null not at all, and from false that it cannot answer now.
    ///
    /// # Panics
    /// They cannot be written.
    pub fn serve(&self, zone: &Value) {
        let new = self.zone.with_extension("new");
        fs::write(&new, zone.to_string()).expect("a file in a temporary folder");
        fs::rename(new, &self.zone).expect("a file in a temporary folder");
    }

    /// The same command in this network.
    #[must_use]
    pub fn enter(&self, command: &Command) -> Command {
        let pid = self.holder.id().to_string();
        through(
            &[
                "nsenter",
                "--user",
                "--mount",
                "--net",
                "--preserve-credentials",
                "--target",
                &pid,
                "--",
            ],
            command,
        )
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
