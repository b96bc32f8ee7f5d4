//! Logging into the host's log, which marks each entry with the plugin's name. Always available.
//!
//! The host limits rate and size and strips control characters; what exceeds a limit is dropped and counted.
//! A panic is logged by itself.

use crate::host;

/// Severity, from the least to the most severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For the plugin's author.
    Debug,
    /// Worth knowing in normal operation.
    Info,
    /// Something to look at.
    Warn,
    /// Something that kept the plugin from its job.
    Error,
}

/// Writes one entry with named values beside the message; the names are in snake_case.
pub fn log(level: Level, message: &str, fields: &[(&str, &str)]) {
    host::log(level, message, fields);
}

/// Writes an entry for the plugin's author.
pub fn debug(message: &str, fields: &[(&str, &str)]) {
    log(Level::Debug, message, fields);
}

/// Writes an entry worth knowing in normal operation.
pub fn info(message: &str, fields: &[(&str, &str)]) {
    log(Level::Info, message, fields);
}

/// Writes an entry about something to look at.
pub fn warn(message: &str, fields: &[(&str, &str)]) {
    log(Level::Warn, message, fields);
}

/// Writes an entry about something that kept the plugin from its job.
pub fn error(message: &str, fields: &[(&str, &str)]) {
    log(Level::Error, message, fields);
}
