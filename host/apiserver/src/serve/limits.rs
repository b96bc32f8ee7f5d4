//! How much of the server one peer, and all of them together, may hold.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Bounds on connections. The defaults suit one machine that lets a few thousand nodes in.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Open connections altogether.
    pub total: usize,
    /// Open connections from one address.
    pub per_source: usize,
    /// How long the TLS handshake may take.
    pub handshake: Duration,
    /// How long a request's head may take, and how long an idle connection stays open.
    pub head: Duration,
    /// How long connections may go on once the server was asked to stop.
    pub grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total: 4096,
            per_source: 1024,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            grace: Duration::from_secs(5),
        }
    }
}

/// Counts the open connections.
#[derive(Clone, Debug)]
pub(super) struct Admission {
    limits: ConnectionLimits,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One admitted connection; dropping it makes room.
#[derive(Debug)]
pub(super) struct Place {
    source: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Admission {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            open: Arc::default(),
        }
    }

    /// A place for a connection from this address; none where there is no room.
    pub(super) fn admit(&self, source: IpAddr) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = open.values().sum();
        let count = open.get(&source).copied().unwrap_or(0);
        if total >= self.limits.total || count >= self.limits.per_source {
            return None;
        }
        open.insert(source, count + 1);
        Some(Place {
            source,
            open: Arc::clone(&self.open),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.source) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                open.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_source_leaves_room_for_others() {
        let admission = Admission::new(ConnectionLimits {
            total: 3,
            per_source: 2,
            ..ConnectionLimits::default()
        });
        let [busy, other, third] = [[10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 3]].map(IpAddr::from);
        let first = admission.admit(busy).unwrap();
        let _second = admission.admit(busy).unwrap();
        assert!(
            admission.admit(busy).is_none(),
            "the source's share is used up"
        );
        let _third = admission.admit(other).unwrap();
        assert!(admission.admit(third).is_none(), "the server is full");
        drop(first);
        assert!(admission.admit(third).is_some());
        assert!(admission.admit(busy).is_some());
    }
}
