//! `authentication.k8s.io/v1`.

use k8s_openapi::api::authentication::v1 as api;
use k8s_pb::api::authentication::v1 as pb;

use super::{extra_value, message};

message!(api::SelfSubjectReview as pb::SelfSubjectReview { metadata, status });

message!(api::SelfSubjectReviewStatus as pb::SelfSubjectReviewStatus { user_info });

message!(api::TokenReview as pb::TokenReview { metadata, spec, status });

message!(api::TokenReviewSpec as pb::TokenReviewSpec { token, audiences });

message!(api::TokenReviewStatus as pb::TokenReviewStatus {
    authenticated, user, audiences, error
});

message!(api::UserInfo as pb::UserInfo { username, uid, groups, extra });

extra_value!(pb::ExtraValue);
