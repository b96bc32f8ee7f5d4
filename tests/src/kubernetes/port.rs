//! A port of loopback that nobody else gets.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port, taken as long as the value lives, for a server that shares it (`SO_REUSEPORT`). Nobody listens here, so that
/// every connection is the server's, and a server that is started again finds its port free.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    _taken: TcpSocket,
}

impl Port {
    pub(super) fn take() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .set_reuseport(true)
            .and_then(|()| socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
            .expect("a free port");
        let address = socket.local_addr().expect("a bound socket has an address");
        Self {
            number: address.port(),
            _taken: socket,
        }
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }
}
