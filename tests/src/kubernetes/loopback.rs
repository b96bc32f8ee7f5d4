//! An address of loopback that nobody else has.

use std::net::{Ipv4Addr, TcpListener};

/// A port on which nothing of Kubernetes listens. Whoever listens there has the address.
const TAKEN: u16 = 10240;

/// An address of 127.0.0.0/8 that no other test has as long as the value lives: servers that want a port by its number
/// find each of theirs free, and clients, which connect from 127.0.0.1, never sit on one.
#[derive(Debug)]
pub struct Loopback {
    address: Ipv4Addr,
    _taken: TcpListener,
}

impl Loopback {
    /// Takes one.
    ///
    /// # Panics
    /// All are taken.
    #[must_use]
    pub fn take() -> Self {
        (1..=u8::MAX)
            .map(|last| Ipv4Addr::new(127, 1, 0, last))
            .find_map(|address| {
                Some(Self {
                    address,
                    _taken: TcpListener::bind((address, TAKEN)).ok()?,
                })
            })
            .expect("a free address of loopback")
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }
}
