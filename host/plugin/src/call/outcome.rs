//! Why a call failed, in words that say more than the runtime's.

use wasmtime::Trap;
use wasmtime::component::ResourceTableError;
use wasmtime_wasi::I32Exit;

use crate::CallError;
use crate::limits::{CallLimits, Exceeded};

/// How wasmtime says that a guest passed more data than its host-call fuel. The error has no public type; a test
/// notices when the words change.
const OUT_OF_HOST_CALL_FUEL: &str = "too much data is being copied between the host and the guest";

/// The failure that `error` of the runtime stands for; `said` is what the plugin last logged as an error.
pub(super) fn of(
    plugin: &str,
    limits: &CallLimits,
    error: &wasmtime::Error,
    said: Option<String>,
) -> CallError {
    let plugin = plugin.to_owned();
    if let Some(Exceeded::Memory) = error.downcast_ref() {
        return CallError::Memory {
            plugin,
            limit: limits.memory,
        };
    }
    if error
        .root_cause()
        .to_string()
        .starts_with(OUT_OF_HOST_CALL_FUEL)
    {
        return CallError::TooMuchData {
            plugin,
            limit: limits.answer,
        };
    }
    let reason = match error.downcast_ref() {
        Some(Trap::Interrupt) => {
            return CallError::Deadline {
                plugin,
                limit: limits.deadline,
            };
        }
        Some(Trap::StackOverflow) => "its calls nest too deeply".to_owned(),
        Some(Trap::UnreachableCodeReached) => "it gave up (unreachable)".to_owned(),
        Some(Trap::MemoryOutOfBounds) => "it reached outside its memory".to_owned(),
        Some(trap) => trap.to_string(),
        None => match (error.downcast_ref(), error.downcast_ref()) {
            (Some(I32Exit(status)), _) => format!("it exited with status {status}"),
            (None, Some(ResourceTableError::Full)) => format!(
                "it wanted more than {} resources of the host at once",
                limits.resources
            ),
            _ => error.root_cause().to_string(),
        },
    };
    let reason = match said {
        Some(said) => format!("{reason}; it last said: {said}"),
        None => reason,
    };
    CallError::Trap { plugin, reason }
}
