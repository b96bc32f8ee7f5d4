//! A web server that misbehaves while a node learns from it whom to trust (security.md, case 23). What it shows would be
//! believed without its flaw.

use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use slipway_tests::{Approval, Backend, Finished, Launched, Sandbox};

use crate::{http, tls};

/// More than any discovery document has.
const GIGABYTE: u64 = 1 << 30;
/// What a connection takes up by itself once its client has gone: generously.
const BUFFERS: u64 = 16 << 20;

/// How one answers: everything, from the first line on.
type Answer = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync>;

/// A web server on loopback that answers what it is told, byte by byte, for as long as the test lasts.
struct RawServer {
    address: String,
    root: PathBuf,
    asked: Arc<AtomicUsize>,
    written: Arc<AtomicU64>,
    _folder: Sandbox,
}

impl RawServer {
    fn start(answer: Answer) -> Self {
        let ca = tls::authority();
        let folder = Sandbox::new();
        let root = folder.write("root.crt", &ca.bundle().to_pem().expect("a CA"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (asked, written) = (Arc::<AtomicUsize>::default(), Arc::<AtomicU64>::default());
        let serving = Arc::new(Serving {
            tls: Arc::new(tls::server_of(&ca)),
            answer,
            asked: Arc::clone(&asked),
            written: Arc::clone(&written),
        });
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let serving = Arc::clone(&serving);
                // A client that has enough goes, which is its right.
                std::thread::spawn(move || serving.serve(connection));
            }
        });
        Self {
            address,
            root,
            asked,
            written,
            _folder: folder,
        }
    }
}

struct Serving {
    tls: Arc<ServerConfig>,
    answer: Answer,
    asked: Arc<AtomicUsize>,
    written: Arc<AtomicU64>,
}

impl Serving {
    fn serve(&self, connection: TcpStream) -> io::Result<()> {
        let tls = ServerConnection::new(Arc::clone(&self.tls)).map_err(io::Error::other)?;
        let mut stream = BufReader::new(StreamOwned::new(tls, connection));
        let _ = http::read(&mut stream)?;
        self.asked.fetch_add(1, Ordering::Relaxed);
        let stream = stream.get_mut();
        (self.answer)(&mut Counted {
            stream,
            written: &self.written,
        })?;
        stream.conn.send_close_notify();
        stream.flush()
    }
}

/// Counts what a client has taken.
struct Counted<'a, W> {
    stream: &'a mut W,
    written: &'a AtomicU64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes)?;
        let more = u64::try_from(written).expect("it fits");
        self.written.fetch_add(more, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A document with these headers, which end their lines.
fn document(headers: &str, body: &[u8]) -> Answer {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n");
    let answer = [head.as_bytes(), body].concat();
    Box::new(move |to| to.write_all(&answer))
}

/// A head, and then the same again and again.
fn endless(head: &str, again: &'static [u8], pause: Duration) -> Answer {
    let head = head.to_owned();
    Box::new(move |to| {
        to.write_all(head.as_bytes())?;
        loop {
            to.write_all(again)?;
            to.flush()?;
            std::thread::sleep(pause);
        }
    })
}

fn join(cluster: &Launched, node: &Sandbox, server: &RawServer) -> Finished {
    let ca = cluster.ca();
    let url = format!("https://{}/cluster.conf", server.address);
    let mut command = node.command(&["join", "--node-name=worker-1", "--timeout=4s"]);
    command
        .args(["--discovery-file", &url, "--ca-file"])
        .arg(ca)
        .env("SLIPWAY_TOKEN", &cluster.invitation().token)
        .env("SSL_CERT_FILE", &server.root);
    Finished::of(&mut command, "")
}

/// It was asked, in vain: nobody joins, and soon. Returns what the user is told.
#[track_caller]
fn refused(cluster: &Launched, server: &RawServer, code: i32) -> String {
    let node = Sandbox::new();
    let started = Instant::now();
    let told = join(cluster, &node, server).failure(code);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}: {told}");
    assert!(server.asked.load(Ordering::Relaxed) > 0, "{told}");
    assert!(!told.contains("panicked"), "{told}");
    assert_eq!(node.made(), [""; 0]);
    assert!(cluster.requests().is_empty(), "{:?}", cluster.requests());
    told
}

const YAML: &str = "Content-Type: application/yaml\r\n";

#[test]
fn what_is_not_an_honest_document_is_not_believed() {
    let cluster = Backend::Embedded.launch(Approval::Automatic);
    let shown = cluster.discovery_document();

    // Who follows finds somebody who waits.
    let plain = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = plain.local_addr().expect("an address");
    let there = format!("http://{address}/cluster.conf");
    let moved = format!("HTTP/1.1 302 Found\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n");
    let server = RawServer::start(Box::new(move |to| to.write_all(moved.as_bytes())));
    let told = refused(&cluster, &server, 3);
    let reason = format!("it redirects to {there}, which is not https");
    assert!(told.contains(&reason), "{told}");
    plain.set_nonblocking(true).expect("a listener");
    assert!(plain.accept().is_err(), "it was followed");

    let page = document("Content-Type: text/html\r\n", shown.as_bytes());
    let told = refused(&cluster, &RawServer::start(page), 3);
    assert!(told.contains("its content type is \"text/html\""), "{told}");

    let encoded = format!("{YAML}Content-Encoding: gzip\r\n");
    let bomb = vec![b' '; 100 << 20];
    for contents in [shown.as_bytes(), &bomb] {
        let server = RawServer::start(document(&encoded, &gzip(contents)));
        let told = refused(&cluster, &server, 3);
        assert!(told.contains("it is encoded as \"gzip\""), "{told}");
    }

    let server = RawServer::start(document(YAML, shown.as_bytes()));
    let _ = join(&cluster, &Sandbox::new(), &server).success();
}

#[test]
fn a_body_without_end_is_left_alone() {
    let cluster = Backend::Embedded.launch(Approval::Automatic);
    let announced = format!("HTTP/1.1 200 OK\r\n{YAML}Content-Length: {GIGABYTE}\r\n\r\n");
    let chunked = format!("HTTP/1.1 200 OK\r\n{YAML}Transfer-Encoding: chunked\r\n\r\n");
    for (head, again) in [
        (&announced, &b"# a line of a comment\n"[..]),
        (&chunked, b"10\r\n# another line.\n\r\n"),
    ] {
        let server = RawServer::start(endless(head, again, Duration::ZERO));
        let told = refused(&cluster, &server, 3);
        assert!(told.contains("the answer is larger than"), "{told}");
        let written = server.written.load(Ordering::Relaxed);
        assert!(written < BUFFERS, "{written} bytes were taken");
    }
    // Too little for any limit but that of the time.
    let server = RawServer::start(endless(&chunked, b"1\r\n#\r\n", Duration::from_millis(50)));
    let told = refused(&cluster, &server, 7);
    assert!(
        told.contains("could not be discovered within 4 s"),
        "{told}"
    );
}

fn gzip(contents: &[u8]) -> Vec<u8> {
    let folder = Sandbox::new();
    let file = folder.file("contents");
    std::fs::write(&file, contents).expect("a file in a temporary folder");
    let mut gzip = Command::new("gzip");
    let packed = gzip.arg("--stdout").arg(file).output();
    let packed = packed.expect("gzip can be run").stdout;
    assert_eq!(packed.get(..2), Some(&[0x1f, 0x8b][..]));
    packed
}
