//! What one call of a plugin may take.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::GoDuration;
use crate::size::ByteSize;
use crate::text::schema_as_written;

/// What one call of a plugin may take. What goes beyond ends the call with an error, and the next call starts afresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Written")]
pub struct Limits {
    /// Memory that the component's instances may have, all together; 32Mi unless told otherwise.
    pub memory: ByteSize,
    /// Time that the call may take, what it waits for included; 1s unless told otherwise.
    pub deadline: GoDuration,
    /// Elements that its tables may have; 20000 unless told otherwise.
    pub table_elements: u32,
    /// Resources of the host that it may hold at once (open files, requests, streams); 256 unless told otherwise.
    pub resources: u32,
    /// Data that it may hand to the host at once, as its answer or to a function of the host; 4Mi unless told otherwise.
    pub answer: ByteSize,
}

/// Why limits are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// Memory outside what makes sense.
    #[error("the memory limit {memory} is outside what a component can use; expected 64Ki to 4Gi")]
    Memory {
        /// The limit.
        memory: ByteSize,
    },
    /// An answer outside what makes sense.
    #[error("the answer limit {answer} is outside what a decision needs; expected 4Ki to 256Mi")]
    Answer {
        /// The limit.
        answer: ByteSize,
    },
    /// A deadline outside what makes sense.
    #[error("the deadline {deadline} is outside what a decision may take; expected 1ms to 5m")]
    Deadline {
        /// The limit.
        deadline: GoDuration,
    },
}

impl Limits {
    /// Whether they are the default ones.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: ByteSize::from_mib(32),
            deadline: GoDuration::from_secs(1),
            table_elements: 20_000,
            resources: 256,
            answer: ByteSize::from_mib(4),
        }
    }
}

schema_as_written!(Limits, Written);

/// Limits as they are written.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "Limits")]
struct Written {
    /// Memory that the component's instances may have, all together.
    memory: ByteSize,
    /// Time that the call may take, what it waits for included.
    deadline: GoDuration,
    /// Elements that its tables may have.
    table_elements: u32,
    /// Resources of the host that it may hold at once (open files, requests, streams).
    resources: u32,
    /// Data that it may hand to the host at once.
    answer: ByteSize,
}

impl Default for Written {
    fn default() -> Self {
        let Limits {
            memory,
            deadline,
            table_elements,
            resources,
            answer,
        } = Limits::default();
        Self {
            memory,
            deadline,
            table_elements,
            resources,
            answer,
        }
    }
}

impl TryFrom<Written> for Limits {
    type Error = LimitError;

    fn try_from(written: Written) -> Result<Self, LimitError> {
        let Written {
            memory,
            deadline,
            table_elements,
            resources,
            answer,
        } = written;
        if !(ByteSize::from_kib(64)..=ByteSize::from_mib(4096)).contains(&memory) {
            return Err(LimitError::Memory { memory });
        }
        if !(Duration::from_millis(1)..=Duration::from_secs(300)).contains(&deadline.get()) {
            return Err(LimitError::Deadline { deadline });
        }
        if !(ByteSize::from_kib(4)..=ByteSize::from_mib(256)).contains(&answer) {
            return Err(LimitError::Answer { answer });
        }
        Ok(Self {
            memory,
            deadline,
            table_elements,
            resources,
            answer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Limits, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.without_snippet().to_string())
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let limits = read("deadline: 5s").unwrap();
        assert_eq!(
            limits,
            Limits {
                deadline: GoDuration::from_secs(5),
                ..Limits::default()
            }
        );
        assert!(read("{}").unwrap().is_default());
    }

    #[test]
    fn senseless_limits_are_refused() {
        insta::assert_snapshot!(read("memory: 1Ki").unwrap_err(), @"the memory limit 1Ki is outside what a component can use; expected 64Ki to 4Gi");
        insta::assert_snapshot!(read("memory: 5Gi").unwrap_err(), @"the memory limit 5Gi is outside what a component can use; expected 64Ki to 4Gi");
        insta::assert_snapshot!(read("answer: 1Gi").unwrap_err(), @"the answer limit 1Gi is outside what a decision needs; expected 4Ki to 256Mi");
        insta::assert_snapshot!(read("deadline: 1h").unwrap_err(), @"the deadline 1h is outside what a decision may take; expected 1ms to 5m");
        insta::assert_snapshot!(read("deadline: 0").unwrap_err(), @"the deadline 0s is outside what a decision may take; expected 1ms to 5m");
    }
}
