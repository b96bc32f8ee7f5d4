//! The time of day and elapsed time. A grant, since what reads a clock decides differently tomorrow, and
//! can time the host.

use slipway_config::plugin::Grants;
use wasmtime::component::Linker;
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::clocks;

use super::{Access, Capability};
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
                inert: false,
            }
        }
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        clocks::wall_clock::add_to_linker::<CallState, WasiClocks>(linker, CallState::clocks)?;
        clocks::monotonic_clock::add_to_linker::<CallState, WasiClocks>(linker, CallState::clocks)
    }
}
