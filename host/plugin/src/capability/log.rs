//! The host's log. What a plugin writes is limited in size and rate, and cannot forge lines or drive a
//! terminal.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use slipway_config::plugin::Grants;
use wasmtime::component::{HasSelf, Linker};

use super::{Access, Capability};
use crate::ExtensionPoint;
use crate::bindings::import::host_log;
use crate::call::CallState;
use crate::text::one_line;

pub(crate) use host_log::Level;

/// Entries of one call; further ones are counted and dropped.
const ENTRIES_PER_CALL: u32 = 64;
/// Fields of one entry; further ones are dropped.
const FIELDS: usize = 16;
/// Entries of one plugin in a second, over all its calls.
const ENTRIES_PER_SECOND: f64 = 100.0;
/// Entries of one plugin at once.
const BURST: f64 = 1000.0;

/// The log.
pub(crate) struct Log;

impl Capability for Log {
    fn interfaces(&self) -> &'static [&'static str] {
        &["slipway:plugin/host-log"]
    }

    fn access(&self, _: &Grants, _: ExtensionPoint) -> Access {
        Access::Open
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        host_log::add_to_linker::<CallState, HasSelf<LogSession>>(linker, |state| &mut state.log)
    }
}

/// What one plugin may still log.
pub(crate) struct LogMeter {
    bucket: Mutex<Bucket>,
}

struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl LogMeter {
    pub(crate) fn new() -> Self {
        Self {
            bucket: Mutex::new(Bucket {
                tokens: BURST,
                filled: Instant::now(),
            }),
        }
    }

    fn allows_one(&self) -> bool {
        let mut bucket = lock(&self.bucket);
        let now = Instant::now();
        let gained = now.duration_since(bucket.filled).as_secs_f64() * ENTRIES_PER_SECOND;
        bucket.tokens = (bucket.tokens + gained).min(BURST);
        bucket.filled = now;
        let allowed = bucket.tokens >= 1.0;
        if allowed {
            bucket.tokens -= 1.0;
        }
        allowed
    }
}

/// The log of one call.
#[derive(Clone)]
pub(crate) struct LogSession {
    plugin: Arc<str>,
    meter: Arc<LogMeter>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    written: u32,
    dropped: u32,
    last_error: Option<String>,
}

impl LogSession {
    pub(crate) fn begin(plugin: Arc<str>, meter: Arc<LogMeter>) -> Self {
        Self {
            plugin,
            meter,
            state: Arc::default(),
        }
    }

    /// Writes one entry, if the limits leave room for it.
    pub(crate) fn write(&self, level: Level, message: &str, fields: &[(String, String)]) {
        let message = one_line(message);
        let mut state = lock(&self.state);
        if level == Level::Error {
            state.last_error = Some(message.clone());
        }
        if state.written >= ENTRIES_PER_CALL || !self.meter.allows_one() {
            state.dropped += 1;
            return;
        }
        state.written += 1;
        drop(state);
        emit(level, &self.plugin, &message, &described(fields));
    }

    /// Ends the log of a call and returns what it last said was an error: where a plugin panicked, its reason.
    pub(crate) fn end(&self) -> Option<String> {
        let mut state = lock(&self.state);
        if state.dropped > 0 {
            tracing::warn!(
                target: "slipway::plugin",
                plugin = &*self.plugin,
                dropped = state.dropped,
                "the plugin wrote more log entries than it may"
            );
            state.dropped = 0;
        }
        state.last_error.take()
    }
}

impl host_log::Host for LogSession {
    fn log(
        &mut self,
        level: Level,
        message: String,
        fields: Vec<host_log::Field>,
    ) -> wasmtime::Result<()> {
        let fields: Vec<_> = fields
            .into_iter()
            .take(FIELDS)
            .map(|field| (one_line(&field.name), one_line(&field.value)))
            .collect();
        self.write(level, &message, &fields);
        Ok(())
    }
}

fn emit(level: Level, plugin: &str, message: &str, fields: &str) {
    match level {
        Level::Debug => tracing::debug!(target: "slipway::plugin", plugin, fields, "{message}"),
        Level::Info => tracing::info!(target: "slipway::plugin", plugin, fields, "{message}"),
        Level::Warn => tracing::warn!(target: "slipway::plugin", plugin, fields, "{message}"),
        Level::Error => tracing::error!(target: "slipway::plugin", plugin, fields, "{message}"),
    }
}

fn described(fields: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        let separator = if text.is_empty() { "" } else { " " };
        // Writing to a String does not fail.
        let _ = write!(text, "{separator}{name}={value:?}");
    }
    text
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_writes_no_more_entries_than_it_may() {
        let log = LogSession::begin("noisy".into(), Arc::new(LogMeter::new()));
        for _ in 0..ENTRIES_PER_CALL + 3 {
            log.write(Level::Debug, "again", &[]);
        }
        let state = lock(&log.state);
        assert_eq!((state.written, state.dropped), (ENTRIES_PER_CALL, 3));
    }

    #[test]
    fn a_plugin_writes_no_faster_than_it_may() {
        let meter = LogMeter::new();
        let allowed = (0..BURST as u32 * 2).filter(|_| meter.allows_one()).count();
        assert!(
            (BURST as usize..BURST as usize + 200).contains(&allowed),
            "{allowed}"
        );
    }

    #[test]
    fn the_last_error_survives_the_limits() {
        let log = LogSession::begin("noisy".into(), Arc::new(LogMeter::new()));
        for _ in 0..ENTRIES_PER_CALL + 1 {
            log.write(Level::Error, "early", &[]);
        }
        log.write(Level::Error, "panicked at\nlib.rs:1", &[]);
        assert_eq!(log.end().as_deref(), Some("panicked at lib.rs:1"));
    }
}
