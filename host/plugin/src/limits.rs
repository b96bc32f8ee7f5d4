//! What one call may take.

use std::time::Duration;

use slipway_config::plugin::{Limits, PluginEntry};
use wasmtime::ResourceLimiter;

use crate::LoadError;
use crate::engine::{PARTS_PER_COMPONENT, TABLE_ELEMENTS};

/// Live handles to the host's resources in one call.
pub(crate) const HANDLES: usize = 1024;

/// The most memory that an entry may allow, in bytes: what a 32-bit memory has.
const MOST_MEMORY: u64 = 4 * 1024 * 1024 * 1024;

/// The limits of one plugin, checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallLimits {
    /// From the waiting for a slot to the answer.
    pub(crate) deadline: Duration,
    /// Linear memory, in bytes, all memories of the instance together.
    pub(crate) memory: u64,
    /// What the plugin may hand to the host in one call, its answer included, in bytes.
    pub(crate) data: u64,
}

impl CallLimits {
    /// The limits of an entry.
    pub(crate) fn of(entry: &PluginEntry) -> Result<Self, LoadError> {
        let Limits {
            memory,
            deadline,
            answer,
            ..
        } = entry.limits;
        if memory.bytes() > MOST_MEMORY {
            return Err(LoadError::InvalidLimit {
                plugin: entry.name.to_string(),
                limit: "memory",
                reason: format!("{memory} is more than the 4Gi that a plugin can have"),
            });
        }
        Ok(Self {
            deadline: deadline.into(),
            memory: memory.bytes(),
            data: answer.bytes(),
        })
    }
}

/// The plugin wanted more memory than it may have.
#[derive(Debug, thiserror::Error)]
#[error("the memory limit is reached")]
pub(crate) struct MemoryExceeded;

/// Counts what one instance takes. What goes beyond a limit is a trap: a guest that sees its memory refused would
/// only die of it later, with a message that says less.
pub(crate) struct Meter {
    most: usize,
    /// What is taken now, which is also the most that was ever taken: linear memory does not shrink.
    memory: usize,
}

impl Meter {
    pub(crate) fn new(limits: &CallLimits) -> Self {
        Self {
            most: usize::try_from(limits.memory).unwrap_or(usize::MAX),
            memory: 0,
        }
    }

    /// Bytes of linear memory, all memories together.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory as u64
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let memory = self
            .memory
            .saturating_add(desired.saturating_sub(current));
        if memory > self.most {
            return Err(MemoryExceeded.into());
        }
        self.memory = memory;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > TABLE_ELEMENTS {
            return Err(MemoryExceeded.into());
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        PARTS_PER_COMPONENT as usize
    }

    fn tables(&self) -> usize {
        PARTS_PER_COMPONENT as usize
    }

    fn memories(&self) -> usize {
        PARTS_PER_COMPONENT as usize
    }
}
