//! The time. Needs the grant `clocks`.
//!
//! `SystemTime::now` and `Instant::now` of the standard library do not work in a plugin.

use std::time::{Duration, SystemTime};

use crate::host;

/// The time of day.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + host::wall_clock()
}

/// Time since an arbitrary start that never goes back; good for measuring only.
pub fn monotonic() -> Duration {
    host::monotonic_clock()
}
