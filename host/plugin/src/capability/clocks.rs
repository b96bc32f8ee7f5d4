//! The time of day and elapsed time. A grant, since what reads a clock decides differently tomorrow, and
//! can time the host.

use std::time::Duration;

use slipway_config::plugin::Grants;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::clocks::{HostMonotonicClock, HostWallClock, WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::clocks;

use super::{Access, Capability, Inert};
use crate::ExtensionPoint;
use crate::call::CallState;

/// Clocks.
pub(crate) struct Clocks;

impl Capability for Clocks {
    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:clocks/wall-clock", "wasi:clocks/monotonic-clock"]
    }

    fn access(&self, grants: &Grants, _: ExtensionPoint) -> Access {
        if grants.clocks {
            Access::Open
        } else {
            Access::NeedsGrant {
                grant: "grants: {clocks: true}",
                inert: Inert::WhenOptional,
            }
        }
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        clocks::wall_clock::add_to_linker::<CallState, WasiClocks>(linker, CallState::clocks)?;
        clocks::monotonic_clock::add_to_linker::<CallState, WasiClocks>(linker, CallState::clocks)
    }
}

/// Sets what a call gets. Without the grant, which only a component that can do without is linked without, clocks stand still.
pub(crate) fn configure(builder: &mut WasiCtxBuilder, granted: bool) {
    if !granted {
        builder.wall_clock(Stopped).monotonic_clock(Stopped);
    }
}

/// A clock that tells nothing.
struct Stopped;

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}
