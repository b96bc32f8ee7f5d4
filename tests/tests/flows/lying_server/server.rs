//! A server in the place of the cluster's: it shows whatever cluster-info a test gives it, and remembers what it was asked.

use std::io::{self, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use slipway_pki::ca::CertificateAuthority;

use crate::{http, tls};

const CLUSTER_INFO: &str = "GET /api/v1/namespaces/kube-public/configmaps/cluster-info ";

/// A server on loopback, for as long as the test lasts.
pub(super) struct LyingServer {
    /// `HOST:PORT`.
    pub(super) address: String,
    inner: Arc<Inner>,
}

struct Inner {
    tls: Arc<ServerConfig>,
    shown: Vec<Value>,
    asked: Mutex<Vec<String>>,
}

impl LyingServer {
    /// Serves with a certificate of this CA. Of what `cluster_info` makes for its address it shows one after the other, and
    /// the last one for ever; it forbids all else.
    pub(super) fn start(
        ca: &CertificateAuthority,
        cluster_info: impl FnOnce(&str) -> Vec<Value>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let inner = Arc::new(Inner {
            tls: Arc::new(tls::server_of(ca)),
            shown: cluster_info(&address),
            asked: Mutex::default(),
        });
        let serving = Arc::clone(&inner);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let inner = Arc::clone(&serving);
                // A client that refuses the certificate goes, which is its right.
                std::thread::spawn(move || inner.serve(connection));
            }
        });
        Self { address, inner }
    }

    /// The requests so far, as they came over the wire.
    pub(super) fn asked(&self) -> Vec<String> {
        self.inner.asked.lock().expect("no panic elsewhere").clone()
    }
}

impl Inner {
    fn serve(&self, connection: TcpStream) -> io::Result<()> {
        connection.set_read_timeout(Some(Duration::from_secs(5)))?;
        let tls = ServerConnection::new(Arc::clone(&self.tls)).map_err(io::Error::other)?;
        let mut stream = BufReader::new(StreamOwned::new(tls, connection));
        let request = http::read(&mut stream)?;
        let (status, body) = self.answer(request);
        let body = body.to_string();
        let stream = stream.get_mut();
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )?;
        stream.conn.send_close_notify();
        stream.flush()
    }

    fn answer(&self, request: String) -> (&'static str, Value) {
        let mut asked = self.asked.lock().expect("no panic elsewhere");
        let shown_before = asked
            .iter()
            .filter(|before| before.starts_with(CLUSTER_INFO))
            .count();
        let is_cluster_info = request.starts_with(CLUSTER_INFO);
        asked.push(request);
        if is_cluster_info {
            let shown = self.shown.get(shown_before).or(self.shown.last());
            return ("200 OK", shown.expect("something to show").clone());
        }
        let status = json!({
            "apiVersion": "v1",
            "kind": "Status",
            "metadata": {},
            "status": "Failure",
            "message": "this server lets nobody in",
            "reason": "Forbidden",
            "code": 403,
        });
        ("403 Forbidden", status)
    }
}
