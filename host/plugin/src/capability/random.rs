//! Randomness. The seed that hash tables of a language's runtime ask for is no secret and need not be random: it is
//! always there, and always the same unless randomness was granted.

use std::convert::Infallible;

use rand::rngs::StdRng;
use rand::{SeedableRng as _, TryRng};
use slipway_config::plugin::Grants;
use wasmtime::component::Linker;
use wasmtime_wasi::p2::bindings::random;
use wasmtime_wasi::random::{WasiRandom, WasiRandomCtx};
use wasmtime_wasi::{WasiCtxBuilder, WasiView as _};

use super::{Access, Capability, Inert};
use crate::ExtensionPoint;
use crate::call::CallState;
use crate::outside::{Outside, Question};

/// Most random bytes in one call.
const RANDOM_BYTES: u64 = 64 * 1024;

/// Random bytes.
pub(crate) struct Random;

/// The seed of hash tables.
pub(crate) struct InsecureSeed;

impl Capability for Random {
    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:random/random", "wasi:random/insecure"]
    }

    fn access(&self, grants: &Grants, _: ExtensionPoint) -> Access {
        if grants.random {
            Access::Open
        } else {
            Access::NeedsGrant {
                grant: "grants: {random: true}",
                inert: Inert::Never,
            }
        }
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        random::random::add_to_linker::<CallState, WasiRandom>(linker, context)?;
        random::insecure::add_to_linker::<CallState, WasiRandom>(linker, context)
    }
}

impl Capability for InsecureSeed {
    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:random/insecure-seed"]
    }

    fn access(&self, _: &Grants, _: ExtensionPoint) -> Access {
        Access::Open
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        random::insecure_seed::add_to_linker::<CallState, WasiRandom>(linker, context)
    }
}

/// Sets what a call gets.
pub(crate) fn configure(builder: &mut WasiCtxBuilder, granted: bool, outside: &Outside) {
    builder.max_random_size(RANDOM_BYTES);
    if !granted {
        builder.insecure_random_seed(0);
    } else if outside.is_repeatable() {
        let random = || Repeatable {
            outside: outside.clone(),
            source: None,
        };
        builder
            .secure_random(random())
            .insecure_random(random())
            .insecure_random_seed(0);
    }
}

/// Random bytes that can be made again: from a seed that is noted.
struct Repeatable {
    outside: Outside,
    source: Option<StdRng>,
}

impl Repeatable {
    /// The seed is asked for with the first byte: most calls want none.
    fn source(&mut self) -> &mut StdRng {
        let outside = &self.outside;
        self.source.get_or_insert_with(|| {
            let seed = outside.ask_now(|| Question::Randomness, rand::random::<[u8; 32]>);
            StdRng::from_seed(seed.unwrap_or_default())
        })
    }
}

impl TryRng for Repeatable {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.source().try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.source().try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.source().try_fill_bytes(bytes)
    }
}

fn context(state: &mut CallState) -> &mut WasiRandomCtx {
    state.ctx().ctx.random()
}
