//! Between this crate's times (jiff) and those of X.509 (whole seconds).

use jiff::{SignedDuration, Timestamp};

/// `time` moved by `by` and cut to what a timestamp can hold.
pub(crate) fn later(time: Timestamp, by: std::time::Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| time.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

/// `time` moved back by `by` and cut to what a timestamp can hold.
pub(crate) fn earlier(time: Timestamp, by: std::time::Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| time.checked_sub(by).ok())
        .unwrap_or(Timestamp::MIN)
}

/// `time` without its fraction of a second, as a certificate can hold it.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
