//! Has the linker keep one copy of functions that came out the same, as generic code does by the hundreds: the download is
//! smaller by it. Rust promises no function an address of its own.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |variable, wanted| env::var(variable).is_ok_and(|value| value == wanted);
    // Rust's linker for this target is LLD (since 1.90); those of others may not know the option.
    if is("PROFILE", "release") && is("TARGET", "x86_64-unknown-linux-gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}
