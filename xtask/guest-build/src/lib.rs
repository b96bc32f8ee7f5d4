//! Builds guest crates.
