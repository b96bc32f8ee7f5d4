//! What was measured, beside what it should be.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

/// One line of the table.
pub(crate) struct Figure {
    pub(crate) what: &'static str,
    pub(crate) measured: Quantity,
    pub(crate) budget: Option<Quantity>,
    pub(crate) peer: Option<Quantity>,
}

/// One line of the table of what grows, or should not.
pub(crate) struct Growth {
    pub(crate) what: &'static str,
    /// One for each size.
    pub(crate) measured: Vec<Quantity>,
}

/// A number with its unit.
#[derive(Clone, Copy)]
pub(crate) enum Quantity {
    Milliseconds(f64),
    Mebibytes(f64),
    PerSecond(f64),
}

/// Prints the table.
pub(crate) fn print(figures: &[Figure]) {
    println!(
        "{:<56}{:>12}{:>12}{:>12}{:>10}",
        "", "measured", "budget", "peer", "ratio"
    );
    for figure in figures {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        println!(
            "{:<56}{:>12}{:>12}{:>12}{:>10}",
            figure.what,
            figure.measured.to_string(),
            or_none(figure.budget.map(|budget| budget.to_string())),
            or_none(figure.peer.map(|peer| peer.to_string())),
            or_none(
                figure
                    .peer
                    .map(|peer| format!("{:.2}", figure.measured.value() / peer.value()))
            ),
        );
    }
}

/// Prints what was measured with each number of objects, and how many times the first of a line the others are.
pub(crate) fn print_growth(sizes: &[usize], lines: &[Growth]) {
    print!("\n{:<56}", "one request, by what else is in the cluster");
    for size in sizes {
        print!("{size:>20}");
    }
    println!();
    for line in lines {
        print!("{:<56}", line.what);
        let first = line.measured.first();
        for measured in &line.measured {
            let ratio = first.map_or(1.0, |first| measured.value() / first.value());
            print!("{:>20}", format!("{measured} ({ratio:.2})"));
        }
        println!();
    }
}

impl Quantity {
    /// So many times as much.
    pub(crate) fn times(self, factor: f64) -> Self {
        match self {
            Self::Milliseconds(value) => Self::Milliseconds(value * factor),
            Self::Mebibytes(value) => Self::Mebibytes(value * factor),
            Self::PerSecond(value) => Self::PerSecond(value * factor),
        }
    }

    fn value(self) -> f64 {
        match self {
            Self::Milliseconds(value) | Self::Mebibytes(value) | Self::PerSecond(value) => value,
        }
    }
}

impl Display for Quantity {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Milliseconds(value) if *value < 1.0 => {
                write!(formatter, "{:.1} µs", value * 1000.0)
            }
            Self::Milliseconds(value) => write!(formatter, "{value:.1} ms"),
            Self::Mebibytes(value) => write!(formatter, "{value:.1} MiB"),
            Self::PerSecond(value) => write!(formatter, "{value:.1} /s"),
        }
    }
}

impl From<Duration> for Quantity {
    fn from(time: Duration) -> Self {
        Self::Milliseconds(time.as_secs_f64() * 1000.0)
    }
}

/// The median of so many runs.
pub(crate) fn median(times: usize, mut run: impl FnMut()) -> Quantity {
    middle((0..times).map(|_| timed(&mut run)).collect())
}

fn timed(run: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// The median.
pub(crate) fn middle(mut times: Vec<Duration>) -> Quantity {
    times.sort();
    times[times.len() / 2].into()
}
