//! The phases of a join, by name.

use std::fmt;
use std::str::FromStr;

use super::{JoinError, Phases};

/// A phase of a join, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Look at the machine.
    Preflight,
    /// Learn whom to trust.
    Discovery,
    /// Make a key and a request.
    Key,
    /// Submit the request.
    Submit,
    /// Wait for the certificate.
    Wait,
    /// Prove the certificate.
    Prove,
    /// Write what the kubelet reads.
    KubeletConf,
    /// Start the kubelet.
    KubeletStart,
}

/// There is no phase of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no phase {name:?}; there are {}", Phase::ALL.map(Phase::name).join(", "))]
pub struct UnknownPhase {
    /// What was asked for.
    pub name: String,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 8] = [
        Self::Preflight,
        Self::Discovery,
        Self::Key,
        Self::Submit,
        Self::Wait,
        Self::Prove,
        Self::KubeletConf,
        Self::KubeletStart,
    ];

    /// The name, as flags and commands spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Discovery => "discovery",
            Self::Key => "key",
            Self::Submit => "submit",
            Self::Wait => "wait",
            Self::Prove => "prove",
            Self::KubeletConf => "kubelet-conf",
            Self::KubeletStart => "kubelet-start",
        }
    }
}

impl FromStr for Phase {
    type Err = UnknownPhase;

    fn from_str(name: &str) -> Result<Self, UnknownPhase> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.name() == name)
            .ok_or_else(|| UnknownPhase {
                name: name.to_owned(),
            })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Phases {
    pub(super) fn check(&self) -> Result<(), JoinError> {
        match self
            .skip
            .iter()
            .find(|phase| !matches!(phase, Phase::Preflight | Phase::KubeletStart))
        {
            Some(phase) => Err(JoinError::NotSkippable(*phase)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_phases() {
        for phase in Phase::ALL {
            assert_eq!(phase.name().parse(), Ok(phase));
        }
        let error = "submitt".parse::<Phase>().unwrap_err().to_string();
        assert!(error.contains("submit, wait"), "{error}");
    }

    #[test]
    fn only_what_nothing_depends_on_can_be_skipped() {
        let skipping = |phase| Phases {
            last: None,
            skip: [phase].into(),
        };
        assert!(skipping(Phase::KubeletStart).check().is_ok());
        assert!(matches!(
            skipping(Phase::Prove).check(),
            Err(JoinError::NotSkippable(Phase::Prove))
        ));
    }
}
