//! A failure of a command itself, with its own code.

use std::error::Error;
use std::fmt;
use std::path::Path;

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

    /// What init makes is not there. `otherwise` is what to do where another cluster is meant.
    pub(crate) fn no_cluster_here(missing: &Path, otherwise: &str) -> Self {
        Self::new(
            Code::NotFound,
            format!(
                "there is no cluster here: {} does not exist",
                missing.display()
            ),
            format!("`slipway init` makes one; for another cluster, {otherwise}"),
        )
    }

    /// A failure that nothing can be advised about.
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
