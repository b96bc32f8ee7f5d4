//! Somebody who types what a document says, as an ordinary user with an empty home and two terminals.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use regex::Regex;
use tempfile::TempDir;

use super::document::Step;
use slipway_tests::{Finished, slipway};

/// Whom root becomes: the documents speak to ordinary users, and root would get the machine's own folders.
const NOBODY: u32 = 65534;

/// How long something may take that is expected.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is typed in another terminal, since it waits or asks.
enum Elsewhere {
    /// A node joins: it asks for the secret that init printed, and waits for the first terminal.
    Join,
    /// It asks before it removes anything.
    Reset,
}

/// The port of an API server that the documents speak of.
const PORT: &str = "6443";

/// A reader, and everything that was seen on the screen.
pub(crate) struct Reader {
    folder: TempDir,
    /// The port that is used in its place: nobody else has it.
    port: u16,
    seen: String,
    elsewhere: Vec<Terminal>,
}

/// A command that runs in a terminal of its own.
struct Terminal {
    command: String,
    child: Child,
    screen: Arc<Mutex<String>>,
}

impl Reader {
    pub(crate) fn new() -> Self {
        let reader = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            port: free_port(),
            seen: String::new(),
            elsewhere: Vec::new(),
        };
        let programs = reader.folder.path().join("bin");
        fs::create_dir(&programs).expect("a folder");
        let kubectl = std::env::var_os("SLIPWAY_TEST_KUBECTL")
            .expect("SLIPWAY_TEST_KUBECTL names no kubectl; run the tests with `cargo xtask test`");
        // Where they lie, another user may not look.
        for (name, program) in [("slipway", slipway()), ("kubectl", kubectl.into())] {
            fs::copy(&program, programs.join(name)).expect("a program can be copied");
        }
        std::os::unix::fs::symlink(
            root().join("examples"),
            reader.folder.path().join("examples"),
        )
        .expect("a link");
        fs::set_permissions(reader.folder.path(), fs::Permissions::from_mode(0o755))
            .expect("the folder is ours");
        if rustix::process::geteuid().is_root() {
            chown(reader.folder.path(), Some(NOBODY), Some(NOBODY)).expect("the folder is ours");
        }
        reader
    }

    /// Does what a document says.
    pub(crate) fn follow(&mut self, step: &Step) {
        match step {
            Step::Write { file, text } => {
                let text = self.filled(text);
                fs::write(self.folder.path().join(file), text).expect("a file of the reader's");
            }
            Step::Run(command) => {
                let command = self.with_port(&self.filled(command));
                eprintln!("$ {command}");
                match (command.strip_prefix("cargo xtask "), elsewhere(&command)) {
                    (Some(chore), _) => self.run_chore(chore),
                    (None, Some(what)) => self.run_elsewhere(&command, &what),
                    (None, None) => self.run(&command),
                }
            }
        }
    }

    /// The text with what an earlier command printed in the place of what the document leaves out: a word that ends with
    /// `…` stands for the last word on the screen that begins like it.
    fn filled(&self, text: &str) -> String {
        let left_out = Regex::new(r"([a-z0-9:/-]+)…").expect("a pattern");
        left_out
            .replace_all(text, |found: &regex::Captures<'_>| {
                let word = Regex::new(&format!(r"{}[^\s'`]+", regex::escape(&found[1])))
                    .expect("a pattern");
                let seen = self.screens();
                let last = word.find_iter(&seen).last();
                last.unwrap_or_else(|| {
                    panic!("nothing on the screen begins like {}:\n{seen}", &found[0])
                })
                .as_str()
                .to_owned()
            })
            .into_owned()
    }

    /// The command with the one thing in which a test differs from a reader.
    fn with_port(&self, command: &str) -> String {
        let port = self.port;
        match command.strip_prefix("slipway init") {
            Some(arguments) => format!("slipway init --apiserver-bind-port {port}{arguments}"),
            None => command.replace(&format!(":{PORT}"), &format!(":{port}")),
        }
    }

    /// Everything that was seen so far, what is elsewhere included.
    fn screens(&self) -> String {
        let mut seen = self.seen.clone();
        for terminal in &self.elsewhere {
            seen.push_str(&terminal.screen());
        }
        seen
    }

    /// Types a command in the first terminal, which has to succeed.
    fn run(&mut self, command: &str) {
        let mut shell = self.shell("bash");
        let finished = Finished::of(shell.args(["-c", command]), "");
        let shown = finished.success();
        eprint!("{shown}{}", finished.stderr());
        self.seen.push_str(&shown);
    }

    /// A chore of the workspace's, with the developer's own tools.
    fn run_chore(&mut self, chore: &str) {
        let program = slipway().with_file_name("xtask");
        let mut command = Command::new(program);
        command
            .args(chore.split_whitespace())
            .current_dir(self.folder.path());
        let _ = Finished::of(&mut command, "").success();
    }

    /// Types a command in a terminal of its own, and comes back when it waits or has ended.
    fn run_elsewhere(&mut self, command: &str, what: &Elsewhere) {
        self.finish();
        let typed = match what {
            Elsewhere::Join => self.secret(),
            Elsewhere::Reset => "y".to_owned(),
        };
        // A program that asks for a secret asks the terminal, not its standard input: `script` gives it one.
        let mut shell = self.shell("script");
        shell.args([
            "--quiet",
            "--return",
            "--flush",
            "--command",
            command,
            "/dev/null",
        ]);
        let terminal = Terminal::open(command, &mut shell, &typed);
        let end = Instant::now() + PATIENCE;
        let mut terminal = terminal;
        while !terminal.has_ended() && !terminal.screen().contains("waiting for approval") {
            assert!(
                Instant::now() < end,
                "{command} hangs:\n{}",
                terminal.screen()
            );
            thread::sleep(Duration::from_millis(50));
        }
        self.elsewhere.push(terminal);
    }

    /// The secret of the token in the last invitation on the screen; nothing where there is none.
    fn secret(&self) -> String {
        let token = Regex::new(r"--token [a-z0-9]{6}\.([a-z0-9]{16})").expect("a pattern");
        let last = token.captures_iter(&self.seen).last();
        last.map(|found| found[1].to_owned()).unwrap_or_default()
    }

    /// Waits until all that was typed elsewhere has succeeded.
    pub(crate) fn finish(&mut self) {
        for terminal in self.elsewhere.drain(..) {
            let screen = terminal.wait();
            eprint!("{screen}");
            self.seen.push_str(&screen);
        }
    }

    /// A program with the reader's home and nothing else, run by an ordinary user.
    fn shell(&self, program: &str) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", folder)
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", folder.join("bin").display()),
            )
            .current_dir(folder);
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Reader {
    /// After a failure a server may still run.
    fn drop(&mut self) {
        for terminal in &mut self.elsewhere {
            let _ = terminal.child.kill();
        }
        let _ = self
            .shell("slipway")
            .args(["reset", "--force", "--quiet"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

impl Terminal {
    fn open(command: &str, shell: &mut Command, typed: &str) -> Self {
        let mut child = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` of util-linux");
        let mut keyboard = child.stdin.take().expect("stdin is piped");
        let mut output = child.stdout.take().expect("stdout is piped");
        let screen = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&screen);
        let typed = format!("{typed}\n");
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            let mut typed = Some(typed);
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let mut screen = shown.lock().expect("nobody panics with the screen");
                screen.push_str(&String::from_utf8_lossy(&bytes[..count]));
                // A question ends with a colon or a bracket, and the line goes on.
                let asks = screen.ends_with(": ") || screen.ends_with("] ");
                if let Some(answer) = typed.take_if(|_| asks) {
                    let _ = keyboard.write_all(answer.as_bytes());
                }
            }
        });
        Self {
            command: command.to_owned(),
            child,
            screen,
        }
    }

    fn screen(&self) -> String {
        self.screen
            .lock()
            .expect("nobody panics with the screen")
            .clone()
    }

    fn has_ended(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("a child can be waited for")
            .is_some()
    }

    fn wait(mut self) -> String {
        let end = Instant::now() + PATIENCE;
        while !self.has_ended() {
            assert!(
                Instant::now() < end,
                "{} goes on waiting:\n{}",
                self.command,
                self.screen()
            );
            thread::sleep(Duration::from_millis(50));
        }
        let status = self.child.wait().expect("a child can be waited for");
        assert!(
            status.success(),
            "{} failed ({status}):\n{}",
            self.command,
            self.screen()
        );
        self.screen()
    }
}

fn elsewhere(command: &str) -> Option<Elsewhere> {
    [
        ("slipway join ", Elsewhere::Join),
        ("slipway reset", Elsewhere::Reset),
    ]
    .into_iter()
    .find_map(|(start, what)| command.starts_with(start).then_some(what))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
