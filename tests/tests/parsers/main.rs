//! Everything that a user can give and that cannot be read: an error that names the input and what was expected, the exit
//! code for it, and nothing made.

mod documents;
mod invitations;
mod program;
mod trust;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use slipway_config::digest::Sha256Digest;
use slipway_tests::{Finished, Sandbox, bounded};

/// An alias bomb would take minutes; a parser that refuses it takes none.
const QUICK: Duration = Duration::from_secs(5);

/// What slipway says to each of a list of inputs, one after the other.
struct Asked {
    sandbox: Sandbox,
    said: String,
}

impl Asked {
    fn new() -> Self {
        Self {
            sandbox: Sandbox::new(),
            said: String::new(),
        }
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.sandbox.file(name);
        fs::write(&path, content).expect("a file in a temporary folder");
        // A discovery file that others may write to is refused for that.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// Runs slipway, which has to refuse with the code of bad input.
    #[track_caller]
    fn refused(&mut self, what: &str, arguments: &[&str]) {
        let mut command = self.sandbox.command(arguments);
        self.refused_by(what, &mut command);
    }

    #[track_caller]
    fn refused_by(&mut self, what: &str, command: &mut std::process::Command) {
        let started = Instant::now();
        let run = Finished::of(&mut bounded(command), "");
        assert_eq!(run.code(), Some(2), "{what}: {}", run.stderr());
        let message = run.message(2);
        assert!(started.elapsed() < QUICK, "{what}: {message}");
        assert!(message.len() < 2000, "{what}: {message}");
        assert_eq!(self.sandbox.made(), [""; 0], "{what}: {message}");
        let message = message.replace("\n\nFor more information, try '--help'.", "");
        writeln!(self.said, "{what}\n  {}", message.replace('\n', "\n  ")).expect("a text");
    }
}

const PLUGINS: &str = "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\n";

/// Nine times ten to the ninth in a few lines.
fn alias_bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let before = level - 1;
        let aliases = vec![format!("*a{before}"); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{aliases}]").expect("a text");
    }
    text
}

/// Mappings within mappings.
fn deep_mappings(depth: usize) -> String {
    (0..depth)
        .map(|level| format!("{}a:\n", " ".repeat(level)))
        .collect()
}
