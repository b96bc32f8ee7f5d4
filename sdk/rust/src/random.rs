//! Random bytes fit for cryptography. Needs the grant `random`.

use crate::host;

/// Random bytes.
pub fn bytes(length: usize) -> Vec<u8> {
    host::random_bytes(length)
}
