//! A web server of a test's own, with a certificate of a private CA.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::program::{Finished, openssl};
use crate::sandbox::Sandbox;

/// How long it may take until it listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on `localhost`; ended with the value.
#[derive(Debug)]
pub struct WebServer {
    process: Option<Child>,
    folder: Sandbox,
    port: u16,
}

impl WebServer {
    /// Starts one that has nothing to show yet.
    ///
    /// # Panics
    /// openssl fails.
    #[must_use]
    pub fn start() -> Self {
        let folder = Sandbox::new();
        make_certificate(&folder);
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let mut server = Self {
            process: None,
            folder,
            port,
        };
        server.restart();
        server
    }

    /// Answers requests for this path with this status and this text.
    pub fn show(&self, path: &str, status: &str, text: &str) {
        let length = text.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        self.folder.write(path, &format!("{head}{text}"));
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}/{path}", self.port)
    }

    /// The port on localhost.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The CA's certificate: what `SSL_CERT_FILE` names for those who are to believe the server.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.folder.file("ca.crt")
    }

    /// Ends it.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it where it was.
    ///
    /// # Panics
    /// openssl fails.
    pub fn restart(&mut self) {
        self.stop();
        let mut command = openssl();
        command
            .args(["s_server", "-HTTP", "-quiet", "-accept"])
            .arg(format!("127.0.0.1:{}", self.port))
            .args(["-cert", "web.crt", "-key", "web.key"])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.process = Some(command.spawn().expect("openssl can be started"));
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < end, "nothing listens on {}", self.port);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes a CA, and a certificate of it for localhost.
fn make_certificate(folder: &Sandbox) {
    let _ = folder.self_signed("ca", &["basicConstraints=critical,CA:TRUE"]);
    let _ = folder.self_signed("web", &["basicConstraints=critical,CA:FALSE"]);
    let extensions = folder.write("san.cnf", "subjectAltName=DNS:localhost\n");
    let mut sign = openssl();
    sign.args(["x509", "-in", "web.crt", "-out", "web.crt", "-days", "1"])
        .args(["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"])
        .arg("-clrext")
        .arg("-extfile")
        .arg(extensions)
        .current_dir(folder.path());
    let _ = Finished::of(&mut sign, "").success();
}
