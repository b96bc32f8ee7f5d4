//! Does what a plugin must not, by the name of the request. For the tests of the runtime.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

use slipway_sdk::prelude::*;

/// A plugin that misbehaves.
#[derive(Debug)]
pub struct Hostile;

impl Plugin for Hostile {
    type Settings = NoSettings;

    fn configure(NoSettings {}: NoSettings) -> Result<Self, SettingErrors> {
        Ok(Self)
    }
}

impl CsrApprover for Hostile {
    fn review(&self, request: &CertificateRequest) -> Result<Review, ReviewError> {
        match request.name.as_str() {
            "loop" => run_for_ever(),
            "allocate" => allocate_without_end(),
            "recurse" => Ok(Review::deny(recurse(0).to_string())),
            "trap" => trap(),
            "panic" => misuse(None),
            "huge-answer" => Ok(Review::deny("x".repeat(8 * 1024 * 1024))),
            "many-findings" => Ok(many_findings()),
            "flood-the-log" => Ok(flood_the_log()),
            "forge-a-line" => Ok(Review::deny("no\n2026 INFO approved \u{1b}[2K\u{202e}yes")),
            "remember" => Ok(Review::defer(remember().to_string())),
            "unavailable" => Err(ReviewError::Unavailable("away\u{7}".to_owned())),
            _ => Ok(Review::approve()),
        }
    }
}

fn run_for_ever() -> ! {
    loop {
        black_box(());
    }
}

fn allocate_without_end() -> ! {
    loop {
        black_box(Vec::<u8>::with_capacity(1024 * 1024)).leak();
    }
}

/// Little of each frame is in linear memory, so that the host's stack is what runs out.
fn recurse(depth: u64) -> u64 {
    if depth == u64::MAX {
        return 0;
    }
    recurse(black_box(depth + 1)) ^ depth
}

#[cfg(target_arch = "wasm32")]
fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn trap() -> ! {
    std::process::abort()
}

#[expect(clippy::expect_used, reason = "to panic is what it is for")]
fn misuse(nothing: Option<Review>) -> Result<Review, ReviewError> {
    Ok(nothing.expect("the sky fell"))
}

fn many_findings() -> Review {
    (0..10_000).fold(Review::approve(), |review, number| {
        review.finding(Finding::passed(format!("rule-{number}"), "seen"))
    })
}

fn flood_the_log() -> Review {
    for number in 0..10_000 {
        log::warn(&format!("entry {number}\nforged"), &[("field", "a\u{1b}b")]);
    }
    Review::abstain()
}

/// Counts the calls that this instance has served.
fn remember() -> u32 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    CALLS.fetch_add(1, Ordering::Relaxed) + 1
}

slipway_sdk::export_csr_approver!(Hostile);
