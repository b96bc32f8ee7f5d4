//! The WebAssembly runtime: grants, limits, registry and cache; one trait per extension point
