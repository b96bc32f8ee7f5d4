//! Leases: what is valid, and that a node writes no other's.

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};

use super::{Violation, forbidden, node, typed, valid};
use crate::authorization::resources;
use crate::resource::{Context, Object};
use crate::status::Status;

/// From the Lease as the client wants it to the Lease as it is stored.
///
/// Who writes a node's Lease has to be that node: the name of a new one stands in its body only, so the authorizer has
/// not seen it.
pub(super) fn admit(new: Object, context: &Context) -> Result<Object, Status> {
    let refusal = context
        .user
        .node_name()
        .filter(|_| context.namespace == resources::NODE_LEASES)
        .and_then(|node| node::foreign_name(node, "Lease", new.name()));
    if let Some(why) = refusal {
        return Err(forbidden(context, Some(new.name()), &why));
    }
    typed(None, &new, |_, new: &mut Lease| {
        let found = new.spec.as_ref().map(violations).unwrap_or_default();
        valid(&found, new.metadata.name.as_deref(), context)
    })
}

/// Source: `ValidateLeaseSpec` in `pkg/apis/coordination/validation`.
fn violations(spec: &LeaseSpec) -> Vec<Violation> {
    let mut found = Vec::new();
    let seconds = spec.lease_duration_seconds;
    if let Some(seconds) = seconds.filter(|seconds| *seconds <= 0) {
        found.push(Violation::invalid(
            "spec.leaseDurationSeconds",
            format!("{seconds}: must be greater than 0"),
        ));
    }
    if let Some(times) = spec.lease_transitions.filter(|times| *times < 0) {
        found.push(Violation::invalid(
            "spec.leaseTransitions",
            format!("{times}: must be greater than or equal to 0"),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_transitions_count_upwards() {
        let fields = |seconds, times| {
            let spec = LeaseSpec {
                lease_duration_seconds: seconds,
                lease_transitions: times,
                ..LeaseSpec::default()
            };
            let found = violations(&spec);
            found.into_iter().map(|one| one.field).collect::<Vec<_>>()
        };
        assert!(fields(None, None).is_empty() && fields(Some(1), Some(0)).is_empty());
        assert_eq!(
            fields(Some(0), Some(-1)),
            ["spec.leaseDurationSeconds", "spec.leaseTransitions"]
        );
    }
}
