//! The settings of compiler and engine, in one place: the build script compiles the bundled components with them,
//! and compiled code loads only into an engine of exactly the same ones.

use wasmtime::{Config, OptLevel};

/// The most stack that a guest may use, in bytes.
const STACK_BYTES: usize = 512 * 1024;

/// The settings for `target`, a target triple. Naming the target keeps the compiler from using what only the CPU
/// of the machine that compiles can do.
pub(crate) fn settings(target: &str) -> wasmtime::Result<Config> {
    let mut config = Config::new();
    config
        .target(target)?
        .cranelift_opt_level(OptLevel::SpeedAndSize)
        .max_wasm_stack(STACK_BYTES)
        .epoch_interruption(true)
        // Where in the module a trap happened is told by the function's name; the map from every instruction to its offset
        // would be a third of the compiled code.
        .generate_address_map(false)
        // Nobody unwinds through a guest but wasmtime, which follows frame pointers.
        .native_unwind_info(false)
        // The same inputs give the same answer on every machine, so that a decision can be replayed.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true);
    Ok(config)
}
