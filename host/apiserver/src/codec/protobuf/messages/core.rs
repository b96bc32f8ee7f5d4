//! `v1`: the core group.

use k8s_openapi::api::core::v1 as api;
use k8s_pb::api::core::v1 as pb;

use super::message;

message!(api::ConfigMap as pb::ConfigMap {
    metadata, data, binary_data;
    pointers: immutable
});

message!(api::Secret as pb::Secret {
    metadata, data, string_data;
    renamed: type_ = r#type;
    pointers: immutable
});

message!(api::ServiceAccount as pb::ServiceAccount {
    metadata, secrets, image_pull_secrets;
    pointers: automount_service_account_token
});

message!(api::ObjectReference as pb::ObjectReference {
    kind, namespace, name, uid, api_version, resource_version, field_path
});

message!(api::LocalObjectReference as pb::LocalObjectReference { name });

message!(api::Event as pb::Event {
    metadata, involved_object, reason, message, source, first_timestamp, last_timestamp, count,
    event_time, series, action, related;
    renamed: type_ = r#type;
    pointers: reporting_component, reporting_instance
});

message!(api::EventSource as pb::EventSource { component, host });

message!(api::EventSeries as pb::EventSeries { count, last_observed_time });

message!(api::Namespace as pb::Namespace { metadata, spec, status });

message!(api::NamespaceSpec as pb::NamespaceSpec { finalizers });

message!(api::NamespaceStatus as pb::NamespaceStatus { phase, conditions });

message!(api::NamespaceCondition as pb::NamespaceCondition {
    status, last_transition_time, reason, message;
    renamed: type_ = r#type
});
