//! The part of kube-controller-manager that Slipway plays itself: its CSR signer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ValidityPeriod;
use crate::text::{quoted, schema_as_written};

/// The argument that is served.
const CLUSTER_SIGNING_DURATION: &str = "cluster-signing-duration";

/// What is said of kube-controller-manager, as far as Slipway does its work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ControllerManager {
    /// Its arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_args: Vec<ControllerManagerArgument>,
}

/// An argument of kube-controller-manager whose work Slipway does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub enum ControllerManagerArgument {
    /// How long the certificates of nodes are valid at most.
    ClusterSigningDuration(ValidityPeriod),
}

/// Why an argument is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// Slipway does nothing that it speaks of.
    #[error(
        "the argument {name} of kube-controller-manager is not served: Slipway's embedded API runs none; expected \
         {CLUSTER_SIGNING_DURATION}, which is for Slipway's own signer"
    )]
    NotServed {
        /// The argument's name, quoted and cut.
        name: String,
    },
    /// Its value cannot be used.
    #[error("{CLUSTER_SIGNING_DURATION}: {0}")]
    Value(#[from] super::ValidityPeriodError),
}

impl ControllerManager {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// How long the certificates of nodes are valid at most. Of an argument that is given twice the last one counts, as
    /// on a command line.
    pub fn cluster_signing_duration(&self) -> Option<ValidityPeriod> {
        self.extra_args
            .last()
            .map(|ControllerManagerArgument::ClusterSigningDuration(period)| *period)
    }
}

schema_as_written!(ControllerManagerArgument, Written);

/// An argument as it is written.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Arg")]
struct Written {
    /// Its name, without hyphens before it: cluster-signing-duration.
    name: String,
    /// Its value.
    value: String,
}

impl TryFrom<Written> for ControllerManagerArgument {
    type Error = ArgumentError;

    fn try_from(written: Written) -> Result<Self, ArgumentError> {
        match written.name.as_str() {
            CLUSTER_SIGNING_DURATION => Ok(Self::ClusterSigningDuration(written.value.parse()?)),
            name => Err(ArgumentError::NotServed { name: quoted(name) }),
        }
    }
}

impl Serialize for ControllerManagerArgument {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self::ClusterSigningDuration(period) = self;
        Written {
            name: CLUSTER_SIGNING_DURATION.to_owned(),
            value: period.to_string(),
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(argument: &str) -> String {
        let yaml = format!("extraArgs: [{argument}]");
        serde_saphyr::from_str::<ControllerManager>(&yaml)
            .map_err(|error| error.without_snippet().to_string())
            .unwrap_err()
    }

    #[test]
    fn what_slipway_does_not_do_is_refused_with_its_name() {
        insta::assert_snapshot!(refused("{name: allocate-node-cidrs, value: 'true'}"), @r#"the argument "allocate-node-cidrs" of kube-controller-manager is not served: Slipway's embedded API runs none; expected cluster-signing-duration, which is for Slipway's own signer at line 1, column 13"#);
        insta::assert_snapshot!(refused("{name: cluster-signing-duration, value: forever}"), @r#"cluster-signing-duration: "forever" is no duration; expected numbers with units, such as 24h or 1h30m, or 0 at line 1, column 13"#);
        insta::assert_snapshot!(refused("{name: cluster-signing-duration, value: 1s}"), @"cluster-signing-duration: certificates would be valid for 1s only; expected at least 1m at line 1, column 13");
    }

    #[test]
    fn the_last_of_several_counts() {
        let yaml = "extraArgs: [{name: cluster-signing-duration, value: 1h}, {name: cluster-signing-duration, value: 2h}]";
        let read: ControllerManager = serde_saphyr::from_str(yaml).unwrap();
        assert_eq!(
            read.cluster_signing_duration()
                .map(|period| period.to_string()),
            Some("2h".to_owned())
        );
    }
}
