//! `coordination.k8s.io/v1`.

use k8s_openapi::api::coordination::v1 as api;
use k8s_pb::api::coordination::v1 as pb;

use super::message;

message!(api::Lease as pb::Lease { metadata, spec });

message!(api::LeaseSpec as pb::LeaseSpec {
    acquire_time, renew_time;
    pointers: holder_identity, lease_duration_seconds, lease_transitions, strategy,
        preferred_holder
});
