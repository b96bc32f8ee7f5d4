//! The time of day and elapsed time. A grant, since what reads a clock decides differently tomorrow, and
//! can time the host.

use std::time::{Duration, Instant, SystemTime};

use slipway_config::plugin::Grants;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::clocks::{HostMonotonicClock, HostWallClock, WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::clocks;

use super::{Access, Capability, Inert};
use crate::ExtensionPoint;
use crate::call::CallState;
use crate::outside::{Outside, Question};

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
pub(crate) fn configure(builder: &mut WasiCtxBuilder, granted: bool, outside: &Outside) {
    if !granted {
        builder.wall_clock(Stopped).monotonic_clock(Stopped);
    } else if outside.is_repeatable() {
        let clock = || Repeatable {
            outside: outside.clone(),
            began: Instant::now(),
        };
        builder.wall_clock(clock()).monotonic_clock(clock());
    }
}

/// A clock whose readings are noted, or those that were noted.
struct Repeatable {
    outside: Outside,
    began: Instant,
}

impl HostWallClock for Repeatable {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        let now = || {
            let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            since_1970.unwrap_or_default()
        };
        let read = self.outside.ask_now(|| Question::WallClock, now);
        read.unwrap_or_default()
    }
}

impl HostMonotonicClock for Repeatable {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        let now = || u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let read = self.outside.ask_now(|| Question::MonotonicClock, now);
        read.unwrap_or_default()
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
