//! `authorization.k8s.io/v1`.

use k8s_openapi::api::authorization::v1 as api;
use k8s_pb::api::authorization::v1 as pb;

use super::{extra_value, message};

message!(api::SubjectAccessReview as pb::SubjectAccessReview { metadata, spec, status });

message!(api::LocalSubjectAccessReview as pb::LocalSubjectAccessReview {
    metadata, spec, status
});

message!(api::SelfSubjectAccessReview as pb::SelfSubjectAccessReview {
    metadata, spec, status
});

message!(api::SelfSubjectRulesReview as pb::SelfSubjectRulesReview {
    metadata, spec, status
});

message!(api::SubjectAccessReviewSpec as pb::SubjectAccessReviewSpec {
    resource_attributes, non_resource_attributes, user, groups, extra, uid
});

message!(api::SelfSubjectAccessReviewSpec as pb::SelfSubjectAccessReviewSpec {
    resource_attributes, non_resource_attributes
});

message!(api::SelfSubjectRulesReviewSpec as pb::SelfSubjectRulesReviewSpec { namespace });

message!(api::SubjectAccessReviewStatus as pb::SubjectAccessReviewStatus {
    allowed, denied, reason, evaluation_error
});

message!(api::SubjectRulesReviewStatus as pb::SubjectRulesReviewStatus {
    resource_rules, non_resource_rules, incomplete, evaluation_error
});

message!(api::ResourceRule as pb::ResourceRule {
    verbs, api_groups, resources, resource_names
});

message!(api::NonResourceRule as pb::NonResourceRule {
    verbs;
    renamed: non_resource_urls = non_resource_ur_ls
});

message!(api::ResourceAttributes as pb::ResourceAttributes {
    namespace, verb, group, version, resource, subresource, name, field_selector, label_selector
});

message!(api::NonResourceAttributes as pb::NonResourceAttributes { path, verb });

message!(api::FieldSelectorAttributes as pb::FieldSelectorAttributes {
    raw_selector, requirements
});

message!(api::LabelSelectorAttributes as pb::LabelSelectorAttributes {
    raw_selector, requirements
});

extra_value!(pb::ExtraValue);
