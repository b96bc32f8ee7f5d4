//! Durations as Go and Kubernetes write them: `24h`, `1h30m`, `0`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::text::{quoted, written_as_string};

/// A duration that is never negative, written as Go writes one: numbers with units (`h`, `m`, `s`, `ms`, `us`, `ns`),
/// or `0`. At most what Go's type holds, about 292 years.
///
/// Displayed without parts that are zero (`24h`, where Go writes `24h0m0s`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(Duration);

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// It is empty or does not begin with a number.
    #[error("{text} is no duration; expected numbers with units, such as 24h or 1h30m, or 0")]
    Malformed {
        /// The text, quoted and cut.
        text: String,
    },
    /// It is negative.
    #[error("the duration {text} is negative; expected 0 or more")]
    Negative {
        /// The text, quoted and cut.
        text: String,
    },
    /// A number has no unit.
    #[error(
        "the duration {text} has a number without a unit; expected h, m, s, ms, us or ns after each number"
    )]
    NoUnit {
        /// The text, quoted and cut.
        text: String,
    },
    /// A unit is not known.
    #[error(
        "the duration {text} has the unknown unit {unit}; expected h, m, s, ms, us or ns (a day is 24h)"
    )]
    Unit {
        /// The text, quoted and cut.
        text: String,
        /// The unit, quoted and cut.
        unit: String,
    },
    /// It is more than Go's type holds.
    #[error("the duration {text} is too long; expected at most 2562047h")]
    TooLong {
        /// The text, quoted and cut.
        text: String,
    },
}

impl GoDuration {
    /// No time at all.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// That many hours.
    pub const fn from_hours(hours: u32) -> Self {
        Self(Duration::from_secs(hours as u64 * 3600))
    }

    /// That many seconds.
    pub const fn from_secs(seconds: u32) -> Self {
        Self(Duration::from_secs(seconds as u64))
    }

    /// The duration as the standard library has it.
    pub const fn get(self) -> Duration {
        self.0
    }

    /// Whether it is zero.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<GoDuration> for Duration {
    fn from(duration: GoDuration) -> Self {
        duration.0
    }
}

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        if let Some(magnitude) = unsigned.strip_prefix('-') {
            let nanoseconds = nanoseconds(magnitude).map_err(|fault| fault.about(text))?;
            return if nanoseconds == 0 {
                Ok(Self::ZERO)
            } else {
                Err(DurationError::Negative { text: quoted(text) })
            };
        }
        nanoseconds(unsigned)
            .map(|n| Self(Duration::from_nanos(n)))
            .map_err(|fault| fault.about(text))
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0s");
        }
        let seconds = self.0.as_secs();
        for (value, unit) in [
            (seconds / 3600, "h"),
            (seconds / 60 % 60, "m"),
            (seconds % 60, "s"),
        ] {
            if value > 0 {
                write!(f, "{value}{unit}")?;
            }
        }
        match self.0.subsec_nanos() {
            0 => Ok(()),
            n if n % 1_000_000 == 0 => write!(f, "{}ms", n / 1_000_000),
            n if n % 1_000 == 0 => write!(f, "{}us", n / 1_000),
            n => write!(f, "{n}ns"),
        }
    }
}

/// What is wrong, before the whole text is known.
enum Fault {
    Malformed,
    NoUnit,
    Unit(String),
    TooLong,
}

impl Fault {
    fn about(self, text: &str) -> DurationError {
        let text = quoted(text);
        match self {
            Self::Malformed => DurationError::Malformed { text },
            Self::NoUnit => DurationError::NoUnit { text },
            Self::Unit(unit) => DurationError::Unit { text, unit },
            Self::TooLong => DurationError::TooLong { text },
        }
    }
}

/// Reads an unsigned duration.
fn nanoseconds(text: &str) -> Result<u64, Fault> {
    if text == "0" {
        return Ok(0);
    }
    if text.is_empty() {
        return Err(Fault::Malformed);
    }
    let mut rest = text;
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (whole, after) = split_while(rest, |c| c.is_ascii_digit());
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => split_while(after, |c| c.is_ascii_digit()),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(Fault::Malformed);
        }
        let (unit, after) = split_while(after, |c| !c.is_ascii_digit() && c != '.');
        let scale = scale(unit)?;
        let part = amount(whole, scale)?
            .checked_add(part_of(fraction, scale))
            .ok_or(Fault::TooLong)?;
        total = total.checked_add(part).ok_or(Fault::TooLong)?;
        rest = after;
    }
    match u64::try_from(total) {
        Ok(total) if i64::try_from(total).is_ok() => Ok(total),
        _ => Err(Fault::TooLong),
    }
}

/// `text` up to the first character that is not wanted, and the rest.
fn split_while(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !wanted(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Nanoseconds in one unit.
fn scale(unit: &str) -> Result<u128, Fault> {
    Ok(match unit {
        "h" => 3_600_000_000_000,
        "m" => 60_000_000_000,
        "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "us" | "µs" | "μs" => 1_000,
        "ns" => 1,
        "" => return Err(Fault::NoUnit),
        _ => return Err(Fault::Unit(quoted(unit))),
    })
}

/// `digits` units of `scale` nanoseconds.
fn amount(digits: &str, scale: u128) -> Result<u128, Fault> {
    if digits.is_empty() {
        return Ok(0);
    }
    digits
        .parse::<u128>()
        .ok()
        .and_then(|n| n.checked_mul(scale))
        .ok_or(Fault::TooLong)
}

/// The decimal fraction `0.<digits>` of `scale` nanoseconds, rounded down. Digits after the twentieth
/// are far below a nanosecond and do not count.
fn part_of(digits: &str, scale: u128) -> u128 {
    let (numerator, denominator) = digits
        .chars()
        .filter_map(|c| c.to_digit(10))
        .take(20)
        .fold((0, 1), |(numerator, denominator), digit| {
            (numerator * 10 + u128::from(digit), denominator * 10)
        });
    numerator * scale / denominator
}

written_as_string!(
    GoDuration,
    r"^\+?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(h|m|s|ms|us|µs|ns))+)$",
    "a duration, such as 24h or 1h30m"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Duration {
        text.parse::<GoDuration>().unwrap().get()
    }

    #[test]
    fn go_durations_are_read() {
        assert_eq!(read("24h"), Duration::from_secs(86_400));
        assert_eq!(read("24h0m0s"), Duration::from_secs(86_400));
        assert_eq!(read("1h30m"), Duration::from_secs(5_400));
        assert_eq!(read("1.5h"), Duration::from_secs(5_400));
        assert_eq!(read(".5s"), Duration::from_millis(500));
        assert_eq!(read("1.000000001s"), Duration::from_nanos(1_000_000_001));
        assert_eq!(read("0"), Duration::ZERO);
        assert_eq!(read("-0s"), Duration::ZERO);
        assert_eq!(read("3µs"), Duration::from_micros(3));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_its_reason() {
        let refused = |text: &str| text.parse::<GoDuration>().unwrap_err().to_string();
        insta::assert_snapshot!(refused(""), @r#""" is no duration; expected numbers with units, such as 24h or 1h30m, or 0"#);
        insta::assert_snapshot!(refused("h"), @r#""h" is no duration; expected numbers with units, such as 24h or 1h30m, or 0"#);
        insta::assert_snapshot!(refused("24"), @r#"the duration "24" has a number without a unit; expected h, m, s, ms, us or ns after each number"#);
        insta::assert_snapshot!(refused("1d"), @r#"the duration "1d" has the unknown unit "d"; expected h, m, s, ms, us or ns (a day is 24h)"#);
        insta::assert_snapshot!(refused("-1h"), @r#"the duration "-1h" is negative; expected 0 or more"#);
        insta::assert_snapshot!(refused("99999999999h"), @r#"the duration "99999999999h" is too long; expected at most 2562047h"#);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(nanoseconds in 0..=i64::MAX as u64) {
            let duration = GoDuration(Duration::from_nanos(nanoseconds));
            prop_assert_eq!(duration.to_string().parse::<GoDuration>().unwrap(), duration);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in r"[-+]?([0-9.]{0,40}(h|m|s|ms|us|µs|ns|.)?){0,4}") {
            let _ = text.parse::<GoDuration>();
        }
    }
}
