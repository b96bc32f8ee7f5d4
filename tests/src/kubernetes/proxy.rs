//! A network between a client and the API server that fails when a test wants it to.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Passes connections on as they are, TLS included.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// Listens on a port of loopback for this server (`HOST:PORT`).
    ///
    /// # Panics
    /// There is no free port.
    #[must_use]
    pub fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let open = Arc::new(Mutex::new(Vec::new()));
        let (kept, server) = (Arc::clone(&open), server.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                // What cannot be connected is closed, as it would be without a proxy.
                let _ = client.and_then(|client| pass_on(client, &server, &kept));
            }
        });
        Self { address, open }
    }

    /// Where it listens: `HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Breaks every connection that is open. Returns how many.
    ///
    /// # Panics
    /// A thread of the proxy panicked.
    pub fn break_connections(&self) -> usize {
        let mut open = self.open.lock().expect("threads do not panic");
        // One that is closed already cannot be shut down.
        let broken = open
            .drain(..)
            .filter(|connection| connection.shutdown(Shutdown::Both).is_ok());
        broken.count()
    }
}

fn pass_on(client: TcpStream, server: &str, kept: &Mutex<Vec<TcpStream>>) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    kept.lock()
        .expect("threads do not panic")
        .push(client.try_clone()?);
    for (mut from, mut to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        std::thread::spawn(move || {
            // A connection that breaks on one side breaks on the other.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}
