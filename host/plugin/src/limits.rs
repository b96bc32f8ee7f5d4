//! What one call may take.

use std::time::Duration;

use slipway_config::plugin::PluginEntry;
use wasmtime::ResourceLimiter;

use crate::LoadError;
use crate::engine::{PARTS_PER_COMPONENT, TABLE_ELEMENTS};

/// The limits of one plugin, checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallLimits {
    /// From the waiting for a slot to the answer.
    pub(crate) deadline: Duration,
    /// Linear memory, in bytes, all memories of the instance together.
    pub(crate) memory: u64,
    /// Elements in each of its tables.
    table_elements: usize,
    /// Live handles to the host's resources.
    pub(crate) resources: usize,
    /// What the plugin may hand to the host at once, its answer included, in bytes.
    pub(crate) answer: u64,
}

impl CallLimits {
    /// The limits of an entry.
    pub(crate) fn of(entry: &PluginEntry) -> Result<Self, LoadError> {
        let limits = &entry.limits;
        let table_elements = limits.table_elements as usize;
        if table_elements > TABLE_ELEMENTS {
            return Err(LoadError::InvalidLimit {
                plugin: entry.name.to_string(),
                limit: "tableElements",
                reason: format!("{table_elements} is more than {TABLE_ELEMENTS}"),
            });
        }
        Ok(Self {
            deadline: limits.deadline.into(),
            memory: limits.memory.bytes(),
            table_elements,
            resources: limits.resources as usize,
            answer: limits.answer.bytes(),
        })
    }
}

/// Why growing is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Exceeded {
    /// More memory than allowed.
    #[error("the memory limit is reached")]
    Memory,
    /// More elements in a table than allowed.
    #[error("a table wants more than {0} elements")]
    Table(usize),
}

/// Counts what one instance takes. What goes beyond a limit is a trap: a guest that sees its memory refused would
/// only die of it later, with a message that says less.
pub(crate) struct Meter {
    limits: CallLimits,
    /// Taken now, which is also the most that was ever taken: linear memory does not shrink.
    memory: u64,
}

impl Meter {
    pub(crate) fn new(limits: CallLimits) -> Self {
        Self { limits, memory: 0 }
    }

    /// Bytes of linear memory, all memories together.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory
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
            .saturating_add(desired.saturating_sub(current) as u64);
        if memory > self.limits.memory {
            return Err(Exceeded::Memory.into());
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
        if desired > self.limits.table_elements {
            return Err(Exceeded::Table(self.limits.table_elements).into());
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
