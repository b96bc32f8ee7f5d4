//! A failure of a command itself, with its own code.

use std::error::Error;
use std::fmt;

use super::Code;

/// What went wrong, how scripts are told, and what to do.
#[derive(Debug)]
pub(crate) struct Coded {
    pub(super) code: Code,
    message: String,
    pub(super) hint: Option<String>,
}

impl Coded {
    pub(crate) fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..Self::bare(code, message)
        }
    }

    /// The same where nothing can be advised.
    pub(crate) fn bare(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
        }
    }
}

impl Error for Coded {}

impl fmt::Display for Coded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}
