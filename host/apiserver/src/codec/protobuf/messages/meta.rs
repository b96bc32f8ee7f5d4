//! `meta.k8s.io/v1`: what every kind is made of, and answers that are no objects.

use k8s_openapi::apimachinery::pkg::apis::meta::v1 as api;
use k8s_pb::apimachinery::pkg::apis::meta::v1 as pb;

use serde::{Deserialize, Serialize};

use super::message;

message!(api::ObjectMeta as pb::ObjectMeta {
    name, generate_name, namespace, self_link, uid, resource_version, generation,
    creation_timestamp, deletion_timestamp, labels, annotations, owner_references, finalizers,
    managed_fields;
    pointers: deletion_grace_period_seconds
});

message!(api::OwnerReference as pb::OwnerReference {
    api_version, kind, name, uid;
    pointers: controller, block_owner_deletion
});

message!(api::ManagedFieldsEntry as pb::ManagedFieldsEntry {
    manager, operation, api_version, time, fields_type, fields_v1, subresource
});

message!(api::ListMeta as pb::ListMeta {
    self_link, resource_version;
    renamed: continue_ = r#continue;
    pointers: remaining_item_count;
    unknown: shard_info
});

message!(api::Status as pb::Status {
    metadata, status, message, reason, details, code
});

message!(api::StatusDetails as pb::StatusDetails {
    name, group, kind, uid, causes, retry_after_seconds
});

message!(api::StatusCause as pb::StatusCause {
    reason, message, field
});

message!(api::LabelSelector as pb::LabelSelector {
    match_labels, match_expressions
});

message!(api::LabelSelectorRequirement as pb::LabelSelectorRequirement {
    key, operator, values
});

message!(api::FieldSelectorRequirement as pb::FieldSelectorRequirement {
    key, operator, values
});

message!(api::Preconditions as pb::Preconditions {
    ;
    pointers: uid, resource_version
});

message!(api::APIVersions as pb::APIVersions {
    versions;
    renamed: server_address_by_client_cidrs = server_address_by_client_cid_rs
});

message!(api::APIGroupList as pb::APIGroupList { groups });

message!(api::APIGroup as pb::APIGroup {
    name, versions, preferred_version;
    renamed: server_address_by_client_cidrs = server_address_by_client_cid_rs
});

message!(api::GroupVersionForDiscovery as pb::GroupVersionForDiscovery {
    group_version, version
});

message!(api::ServerAddressByClientCIDR as pb::ServerAddressByClientCIDR {
    client_cidr, server_address
});

message!(api::APIResourceList as pb::APIResourceList {
    group_version, resources
});

message!(api::APIResource as pb::APIResource {
    name, singular_name, namespaced, group, version, kind, verbs, short_names, categories,
    storage_version_hash
});

message!(api::DeleteOptions as pb::DeleteOptions {
    dry_run, preconditions;
    pointers: grace_period_seconds, orphan_dependents, propagation_policy,
        ignore_store_read_error_with_cluster_breaking_potential;
    unknown: api_version, kind
});

/// The metadata of an object whose kind does not matter.
#[derive(Debug, Deserialize, Serialize)]
pub(in crate::codec) struct PartialObjectMetadata {
    metadata: api::ObjectMeta,
}

message!(PartialObjectMetadata as pb::PartialObjectMetadata { metadata });
