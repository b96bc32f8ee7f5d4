//! `rbac.authorization.k8s.io/v1`.

use k8s_openapi::api::rbac::v1 as api;
use k8s_pb::api::rbac::v1 as pb;

use super::message;

message!(api::ClusterRole as pb::ClusterRole { metadata, rules, aggregation_rule });

message!(api::Role as pb::Role { metadata, rules });

message!(api::PolicyRule as pb::PolicyRule {
    verbs, api_groups, resources, resource_names;
    renamed: non_resource_urls = non_resource_ur_ls
});

message!(api::AggregationRule as pb::AggregationRule { cluster_role_selectors });

message!(api::ClusterRoleBinding as pb::ClusterRoleBinding { metadata, subjects, role_ref });

message!(api::RoleBinding as pb::RoleBinding { metadata, subjects, role_ref });

message!(api::Subject as pb::Subject { kind, api_group, name, namespace });

message!(api::RoleRef as pb::RoleRef { api_group, kind, name });
