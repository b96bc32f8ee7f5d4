//! The engine that all plugins of a host share, and the clock of its epochs.

mod epochs;
mod settings;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::{Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::LoadError;
use epochs::Epochs;
pub(crate) use epochs::Running;

/// Calls that run at once; the others wait within their deadlines. It bounds the memory that plugins take together.
const CONCURRENT_CALLS: u32 = 64;

/// Core instances, memories and tables that one component may have; components made from Python have the most.
pub(crate) const PARTS_PER_COMPONENT: u32 = 16;

/// The most elements in one table of a guest.
pub(crate) const TABLE_ELEMENTS: usize = 50_000;

/// What a slot of the pool keeps of the pages that calls have written: linear memory, in bytes. More than a bundled
/// plugin writes.
const RESIDENT_MEMORY: usize = 1 << 20;

/// The same for a table, in bytes.
const RESIDENT_TABLE: usize = 64 << 10;

/// How the memory for instances is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Allocation {
    /// When an instance is made. Starts at once; for a command that makes a few calls.
    #[default]
    OnDemand,
    /// From a pool of address space reserved at the start. Instances are made faster; for a service.
    Pooling,
}

/// A shared engine.
#[derive(Clone)]
pub(crate) struct Engine {
    engine: wasmtime::Engine,
    epochs: Arc<Epochs>,
    slots: Arc<Semaphore>,
}

impl Engine {
    /// Starts an engine.
    pub(crate) fn start(allocation: Allocation) -> Result<Self, LoadError> {
        let engine = engine(allocation).map_err(|error| LoadError::Runtime {
            reason: format!("{error:#}"),
        })?;
        Ok(Self {
            epochs: Arc::new(Epochs::new(engine.clone())),
            slots: Arc::new(Semaphore::new(CONCURRENT_CALLS as usize)),
            engine,
        })
    }

    /// Wasmtime's own engine.
    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// Takes one of the slots for running calls, waiting for one if need be, and keeps the epochs going until
    /// it is dropped. None when the engine is shut down.
    pub(crate) async fn run(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        Some(Slot {
            _permit: permit,
            _running: Epochs::run(&self.epochs),
        })
    }

    /// A number that differs between engines that cannot load each other's compiled code. Nothing rests on
    /// its strength: a wrong one makes a file of the cache unloadable.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.engine
            .precompile_compatibility_hash()
            .hash(&mut hasher);
        hasher.finish()
    }
}

/// Leave to run one call.
pub(crate) struct Slot {
    _permit: tokio::sync::OwnedSemaphorePermit,
    _running: Running,
}

fn engine(allocation: Allocation) -> wasmtime::Result<wasmtime::Engine> {
    let mut config = settings::settings(env!("SLIPWAY_TARGET"))?;
    if allocation == Allocation::Pooling {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    }
    wasmtime::Engine::new(&config)
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    // A component takes one or two of each, rarely all that it may have.
    let parts = CONCURRENT_CALLS * 4;
    pool.total_component_instances(CONCURRENT_CALLS)
        .total_stacks(CONCURRENT_CALLS)
        .total_core_instances(parts)
        .total_memories(CONCURRENT_CALLS * 2)
        .total_tables(parts)
        .max_core_instances_per_component(PARTS_PER_COMPONENT)
        .max_memories_per_component(PARTS_PER_COMPONENT)
        .max_tables_per_component(PARTS_PER_COMPONENT)
        .table_elements(TABLE_ELEMENTS);
    // An instance's memory is put back for the next one. Where the kernel tells which pages were written, restoring those
    // costs half of giving them all up and faulting them in again, which also interrupts every other CPU; where it does
    // not, everything that is kept would have to be restored.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(RESIDENT_MEMORY)
            .table_keep_resident(RESIDENT_TABLE);
    }
    pool
}
