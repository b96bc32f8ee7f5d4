//! Sizes in bytes as Kubernetes writes them: `32Mi`.

use std::fmt;
use std::str::FromStr;

use crate::text::{quoted, written_as_string};

/// A number of bytes, written as a Kubernetes quantity with a binary unit or none: `65536`, `64Ki`, `32Mi`, `1Gi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ByteSizeError {
    /// It is no whole number with a unit.
    #[error(
        "{text} is no size; expected a whole number of bytes, or one with Ki, Mi or Gi, such as 32Mi"
    )]
    Malformed {
        /// The text, quoted and cut.
        text: String,
    },
    /// It is more than 64 bits hold.
    #[error("the size {text} is too large")]
    TooLarge {
        /// The text, quoted and cut.
        text: String,
    },
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// Units, the largest first.
const UNITS: [(&str, u64); 3] = [("Gi", GIB), ("Mi", MIB), ("Ki", KIB)];

impl ByteSize {
    /// That many bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// That many times 1024 bytes.
    pub(crate) const fn from_kib(kib: u32) -> Self {
        Self(kib as u64 * KIB)
    }

    /// That many times 1024 times 1024 bytes.
    pub(crate) const fn from_mib(mib: u32) -> Self {
        Self(mib as u64 * MIB)
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let (digits, unit) = UNITS
            .iter()
            .find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))
            .unwrap_or((text, 1));
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ByteSizeError::Malformed { text: quoted(text) });
        }
        digits
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit))
            .map(Self)
            .ok_or_else(|| ByteSizeError::TooLarge { text: quoted(text) })
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS
            .iter()
            .find(|(_, unit)| self.0 > 0 && self.0.is_multiple_of(*unit))
        {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}", self.0),
        }
    }
}

written_as_string!(
    ByteSize,
    "^[0-9]+(Ki|Mi|Gi)?$",
    "a size in bytes, such as 32Mi"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!("32Mi".parse::<ByteSize>().unwrap().bytes(), 33_554_432);
        assert_eq!("65536".parse::<ByteSize>().unwrap().to_string(), "64Ki");
        assert_eq!("0".parse::<ByteSize>().unwrap().to_string(), "0");
    }

    #[test]
    fn what_is_no_size_is_refused_with_its_reason() {
        let refused = |text: &str| text.parse::<ByteSize>().unwrap_err().to_string();
        insta::assert_snapshot!(refused("32MB"), @r#""32MB" is no size; expected a whole number of bytes, or one with Ki, Mi or Gi, such as 32Mi"#);
        insta::assert_snapshot!(refused("Mi"), @r#""Mi" is no size; expected a whole number of bytes, or one with Ki, Mi or Gi, such as 32Mi"#);
        insta::assert_snapshot!(refused("99999999999Gi"), @r#"the size "99999999999Gi" is too large"#);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(bytes: u64) {
            prop_assert_eq!(ByteSize(bytes).to_string().parse(), Ok(ByteSize(bytes)));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[0-9+-]{0,30}(Ki|Mi|Gi|.)?") {
            let _ = text.parse::<ByteSize>();
        }
    }
}
