//! Machines whose clock is wrong.

use std::path::PathBuf;
use std::process::Command;

use crate::program::Finished;
use crate::sandbox::Sandbox;

/// Stands between a program and the C library's clock. The C compiler is there: Slipway itself needs it.
const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    const char *offset = getenv("SLIPWAY_TEST_CLOCK_OFFSET");
    if (result == 0 && clock == CLOCK_REALTIME && offset != NULL)
        now->tv_sec += atoll(offset);
    return result;
}
"#;

/// A clock that is off. What a program measures durations with runs on as ever.
#[derive(Debug)]
pub struct WrongClock {
    library: PathBuf,
    offset: i64,
}

impl WrongClock {
    /// A clock that is `offset` seconds fast, or slow where it is negative. `sandbox` keeps what it needs.
    ///
    /// # Panics
    /// The C compiler fails.
    #[must_use]
    pub fn new(sandbox: &Sandbox, offset: i64) -> Self {
        let source = sandbox.write("clock.c", SOURCE);
        let library = sandbox.file("clock.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]);
        compiler.arg(&library).arg(&source);
        let _ = Finished::of(&mut compiler, "").success();
        Self { library, offset }
    }

    /// Has a command, and what it starts, live by this clock.
    pub fn set<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("LD_PRELOAD", &self.library)
            .env("SLIPWAY_TEST_CLOCK_OFFSET", self.offset.to_string())
    }
}
