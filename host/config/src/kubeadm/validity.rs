//! How long certificates are valid.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::duration::{DurationError, GoDuration};
use crate::text::written_as_string;

/// How long a certificate is valid: a duration as Go writes it, of at least a minute. A node may not ask for less than ten
/// (`spec.expirationSeconds`); its signer may give less, as kube-controller-manager's does, but it has to be renewed in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValidityPeriod(GoDuration);

/// A text is no time for which a certificate could be valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValidityPeriodError {
    /// It is no duration.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// It is shorter than any certificate.
    #[error(
        "certificates would be valid for {period} only; expected at least {}",
        ValidityPeriod::SHORTEST
    )]
    TooShort {
        /// How long they would be valid.
        period: GoDuration,
    },
}

impl ValidityPeriod {
    const SHORTEST: GoDuration = GoDuration::from_secs(60);
}

impl From<ValidityPeriod> for Duration {
    fn from(period: ValidityPeriod) -> Self {
        period.0.get()
    }
}

impl FromStr for ValidityPeriod {
    type Err = ValidityPeriodError;

    fn from_str(text: &str) -> Result<Self, ValidityPeriodError> {
        let period = text.parse::<GoDuration>()?;
        match period >= Self::SHORTEST {
            true => Ok(Self(period)),
            false => Err(ValidityPeriodError::TooShort { period }),
        }
    }
}

impl fmt::Display for ValidityPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

written_as_string!(
    ValidityPeriod,
    r"^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(h|m|s|ms|us|µs|ns))+$",
    "a duration of at least 1m, such as 8760h"
);
