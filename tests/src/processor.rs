//! How much processes compute.

use std::fs;
use std::time::Duration;

/// The kernel's unit of processor time to programs, whatever its own (proc(5), sysconf(3)).
const TICKS_PER_SECOND: u64 = 100;

/// The processor time that a process has used, in user and in system mode.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn processor_time(process: u32) -> Duration {
    let file = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(file).expect("a process that runs");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
    // The state is the first field here; the times in user and in system mode are the twelfth and thirteenth (proc(5)).
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks: u64 = ticks
        .map(|ticks| ticks.parse::<u64>().expect("a number"))
        .sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}
