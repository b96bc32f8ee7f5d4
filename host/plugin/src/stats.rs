//! What one call cost.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one call of a plugin cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallStats {
    /// From the making of the instance to the answer, waiting included.
    pub duration: Duration,
    /// The most linear memory that the instance had, in bytes, summed over its memories.
    pub memory_bytes: u64,
}
