//! A network between `slipway` and the API server that ends at a request of the test's choice. It reads what goes over it:
//! to the client it is the API server, whose key it has, and to the API server the administrator.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

use crate::http;

/// How long a command may take until it has asked for what it should be stopped at.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where an API server is, and what it and its administrator prove who they are with.
#[derive(Debug, Clone)]
pub(super) struct ControlPlane {
    /// `HOST:PORT`.
    pub(super) server: String,
    /// A folder with `ca.crt`, `apiserver.crt` and `apiserver.key`.
    pub(super) pki: PathBuf,
    /// The administrator's kubeconfig.
    pub(super) kubeconfig: PathBuf,
}

/// On which side of the API server a request is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// It never gets there.
    Request,
    /// What it asks for is done, and nobody hears of it.
    Answer,
}

/// The n-th request that would change something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    pub(super) write: usize,
    pub(super) side: Side,
}

/// What becomes of a connection.
#[derive(Debug, Clone, Copy)]
enum Watch {
    /// It is passed on as it is.
    Off,
    /// Its requests are read, and those that would change something counted.
    On { writes: usize, stop: Option<Stop> },
}

/// A client that waits for its answer; it does not come.
pub(super) struct Held {
    _client: BufReader<StreamOwned<ServerConnection, TcpStream>>,
}

/// Listens on loopback, for as long as the test lasts.
pub(super) struct Interceptor {
    /// `HOST:PORT`.
    pub(super) address: String,
    inner: Arc<Inner>,
    held: Receiver<Held>,
}

struct Inner {
    control_plane: Mutex<Option<ControlPlane>>,
    watch: Mutex<Watch>,
    holding: Sender<Held>,
}

impl Interceptor {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (holding, held) = channel();
        let inner = Arc::new(Inner {
            control_plane: Mutex::new(None),
            watch: Mutex::new(Watch::Off),
            holding,
        });
        let serving = Arc::clone(&inner);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let inner = Arc::clone(&serving);
                // Where there is no server yet, the client finds none, which is its own affair.
                std::thread::spawn(move || inner.serve(client));
            }
        });
        Self {
            address,
            inner,
            held,
        }
    }

    /// Leads to this API server from now on.
    pub(super) fn lead_to(&self, control_plane: ControlPlane) {
        *self.inner.control_plane.lock().expect("no panic elsewhere") = Some(control_plane);
    }

    /// Counts what would change something from now on, and stops where it is told to.
    pub(super) fn watch(&self, stop: Option<Stop>) {
        *self.inner.watch.lock().expect("no panic elsewhere") = Watch::On { writes: 0, stop };
    }

    /// Passes on everything from now on, and returns how much would have changed something.
    pub(super) fn look_away(&self) -> usize {
        let mut watch = self.inner.watch.lock().expect("no panic elsewhere");
        match std::mem::replace(&mut *watch, Watch::Off) {
            Watch::Off => 0,
            Watch::On { writes, .. } => writes,
        }
    }

    /// Waits for the client that was to be stopped. It waits, too, as long as the value lives.
    pub(super) fn stopped(&self) -> Held {
        let held = self.held.recv_timeout(PATIENCE);
        held.expect("a request to stop at")
    }
}

impl Inner {
    fn serve(&self, client: TcpStream) -> io::Result<()> {
        let control_plane = self.control_plane().ok_or(io::ErrorKind::NotConnected)?;
        let watch = *self.watch.lock().expect("no panic elsewhere");
        match watch {
            Watch::Off => pass_on(client, &control_plane.server),
            Watch::On { .. } => self.intercept(client, &control_plane),
        }
    }

    fn control_plane(&self) -> Option<ControlPlane> {
        let control_plane = self.control_plane.lock().expect("no panic elsewhere");
        control_plane.clone()
    }

    fn intercept(&self, client: TcpStream, control_plane: &ControlPlane) -> io::Result<()> {
        let tls = ServerConnection::new(control_plane.server_side()?).map_err(io::Error::other)?;
        let mut client = BufReader::new(StreamOwned::new(tls, client));
        let request = http::read(&mut client)?;
        let stop = self.stop_of(&request);
        if stop == Some(Side::Request) {
            return self.hold(client);
        }
        let answer = control_plane.ask(&request)?;
        if stop == Some(Side::Answer) {
            return self.hold(client);
        }
        let client = client.get_mut();
        client.write_all(&answer)?;
        client.conn.send_close_notify();
        client.flush()
    }

    /// Counts a request, and says where it is to be stopped.
    fn stop_of(&self, request: &str) -> Option<Side> {
        let mut watch = self.watch.lock().expect("no panic elsewhere");
        let Watch::On { writes, stop } = &mut *watch else {
            return None;
        };
        if request.starts_with("GET ") {
            return None;
        }
        *writes += 1;
        stop.filter(|stop| stop.write == *writes)
            .map(|stop| stop.side)
    }

    fn hold(&self, client: BufReader<StreamOwned<ServerConnection, TcpStream>>) -> io::Result<()> {
        let held = Held { _client: client };
        self.holding.send(held).map_err(io::Error::other)
    }
}

impl ControlPlane {
    fn server_side(&self) -> io::Result<Arc<ServerConfig>> {
        let chain = certificates(&std::fs::read(self.pki.join("apiserver.crt"))?)?;
        let key = private_key(&std::fs::read(self.pki.join("apiserver.key"))?)?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain, key);
        config.map(Arc::new).map_err(io::Error::other)
    }

    fn client_side(&self) -> io::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        for ca in certificates(&std::fs::read(self.pki.join("ca.crt"))?)? {
            roots.add(ca).map_err(io::Error::other)?;
        }
        let chain = certificates(&self.of_administrator("client-certificate-data")?)?;
        let key = private_key(&self.of_administrator("client-key-data")?)?;
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key);
        config.map(Arc::new).map_err(io::Error::other)
    }

    /// What the administrator's kubeconfig holds under this name.
    fn of_administrator(&self, name: &str) -> io::Result<Vec<u8>> {
        let text = std::fs::read_to_string(&self.kubeconfig)?;
        let (_, rest) = text
            .split_once(&format!("{name}: "))
            .ok_or(io::ErrorKind::NotFound)?;
        let data = rest.split_whitespace().next().unwrap_or_default();
        STANDARD
            .decode(data.trim_matches('"'))
            .map_err(io::Error::other)
    }

    /// Has the API server answer a request, over a connection of its own.
    fn ask(&self, request: &str) -> io::Result<Vec<u8>> {
        let connection = TcpStream::connect(&self.server)?;
        let address = connection.peer_addr()?.ip();
        let tls = ClientConnection::new(self.client_side()?, ServerName::from(address));
        let mut stream = StreamOwned::new(tls.map_err(io::Error::other)?, connection);
        let (line, rest) = request
            .split_once("\r\n")
            .ok_or(io::ErrorKind::InvalidData)?;
        write!(stream, "{line}\r\nconnection: close\r\n{rest}")?;
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            // It may close the connection without a word when it has answered.
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
            _ => Ok(answer),
        }
    }
}

fn pass_on(client: TcpStream, server: &str) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    for (mut from, mut to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        std::thread::spawn(move || {
            // A connection that breaks on one side breaks on the other.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificates(pem: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(io::Error::other)
}

fn private_key(pem: &[u8]) -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).map_err(io::Error::other)
}
