//! The phases of `init`, by name.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A phase, in the order in which they run. Between [`Phase::Kubeconfig`] and [`Phase::Namespaces`] the server is
/// started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Look at the machine.
    Preflight,
    /// Make the CA and what it issues.
    Certs,
    /// Write admin.conf.
    Kubeconfig,
    /// Make the namespaces.
    Namespaces,
    /// Make the first token.
    BootstrapToken,
    /// Publish the cluster's description.
    ClusterInfo,
    /// Make roles and bindings.
    Rbac,
}

/// There is no phase of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no phase {name:?}; there are {}", Phase::ALL.map(Phase::name).join(", "))]
pub struct UnknownPhase {
    /// What was asked for.
    pub name: String,
}

/// Which phases to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phases {
    /// This one alone; none: all.
    pub only: Option<Phase>,
    /// Phases to leave out.
    pub skip: BTreeSet<Phase>,
}

impl Phases {
    /// Whether a phase runs.
    pub fn include(&self, phase: Phase) -> bool {
        self.only.is_none_or(|only| only == phase) && !self.skip.contains(&phase)
    }

    /// Whether all phases run, so that the cluster is complete afterwards.
    pub(crate) fn are_all(&self) -> bool {
        self.only.is_none() && self.skip.is_empty()
    }
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 7] = [
        Self::Preflight,
        Self::Certs,
        Self::Kubeconfig,
        Self::Namespaces,
        Self::BootstrapToken,
        Self::ClusterInfo,
        Self::Rbac,
    ];

    /// The name, as flags and commands spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Certs => "certs",
            Self::Kubeconfig => "kubeconfig",
            Self::Namespaces => "namespaces",
            Self::BootstrapToken => "bootstrap-token",
            Self::ClusterInfo => "cluster-info",
            Self::Rbac => "rbac",
        }
    }

    /// Whether the phase talks to the API.
    pub const fn needs_api(self) -> bool {
        !matches!(self, Self::Preflight | Self::Certs | Self::Kubeconfig)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_phases() {
        for phase in Phase::ALL {
            assert_eq!(phase.name().parse(), Ok(phase));
        }
        assert!(
            "addons"
                .parse::<Phase>()
                .unwrap_err()
                .to_string()
                .contains("bootstrap-token")
        );
    }

    #[test]
    fn one_phase_alone_and_all_but_one() {
        let only = Phases {
            only: Some(Phase::Rbac),
            ..Phases::default()
        };
        assert_eq!(
            Phase::ALL
                .map(|phase| only.include(phase))
                .iter()
                .filter(|&&runs| runs)
                .count(),
            1
        );
        let skip = Phases {
            skip: [Phase::Rbac].into(),
            ..Phases::default()
        };
        assert!(!skip.include(Phase::Rbac) && skip.include(Phase::Certs));
        assert!(!skip.are_all() && Phases::default().are_all());
    }
}
