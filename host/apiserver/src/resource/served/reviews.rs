//! Questions about identities and permissions.

use k8s_openapi::api::authentication::v1::{SelfSubjectReview, TokenReview};
use k8s_openapi::api::authorization::v1::{
    LocalSubjectAccessReview, SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview,
};

use crate::resource::Definition;

pub(super) static SELF_SUBJECT_REVIEWS: Definition = Definition::virtual_of::<SelfSubjectReview>();

pub(super) static TOKEN_REVIEWS: Definition = Definition {
    confidential: true,
    ..Definition::virtual_of::<TokenReview>()
};

pub(super) static LOCAL_SUBJECT_ACCESS_REVIEWS: Definition =
    Definition::virtual_of::<LocalSubjectAccessReview>();

pub(super) static SELF_SUBJECT_ACCESS_REVIEWS: Definition =
    Definition::virtual_of::<SelfSubjectAccessReview>();

pub(super) static SELF_SUBJECT_RULES_REVIEWS: Definition =
    Definition::virtual_of::<SelfSubjectRulesReview>();

pub(super) static SUBJECT_ACCESS_REVIEWS: Definition =
    Definition::virtual_of::<SubjectAccessReview>();
