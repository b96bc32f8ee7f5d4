//! Questions about identities and permissions.

use k8s_openapi::api::authentication::v1::{SelfSubjectReview, TokenReview};
use k8s_openapi::api::authorization::v1::{
    LocalSubjectAccessReview, SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview,
};

use crate::resource::definition::{VIRTUAL, normalise};
use crate::resource::{Definition, NameRule, Scope};
use crate::table;

pub(super) static SELF_SUBJECT_REVIEWS: Definition = Definition {
    group: "authentication.k8s.io",
    version: "v1",
    kind: "SelfSubjectReview",
    plural: "selfsubjectreviews",
    singular: "selfsubjectreview",
    short_names: &[],
    scope: Scope::Cluster,
    verbs: VIRTUAL,
    subresources: &[],
    name_rule: NameRule::Subdomain,
    needs_version: false,
    confidential: false,
    selectable_fields: &[],
    merge: &[],
    columns: &table::NAME_ONLY,
    normalise: normalise::<SelfSubjectReview>,
};

pub(super) static TOKEN_REVIEWS: Definition = Definition {
    group: "authentication.k8s.io",
    version: "v1",
    kind: "TokenReview",
    plural: "tokenreviews",
    singular: "tokenreview",
    short_names: &[],
    scope: Scope::Cluster,
    verbs: VIRTUAL,
    subresources: &[],
    name_rule: NameRule::Subdomain,
    needs_version: false,
    confidential: true,
    selectable_fields: &[],
    merge: &[],
    columns: &table::NAME_ONLY,
    normalise: normalise::<TokenReview>,
};

pub(super) static LOCAL_SUBJECT_ACCESS_REVIEWS: Definition = Definition {
    group: "authorization.k8s.io",
    version: "v1",
    kind: "LocalSubjectAccessReview",
    plural: "localsubjectaccessreviews",
    singular: "localsubjectaccessreview",
    short_names: &[],
    scope: Scope::Namespaced,
    verbs: VIRTUAL,
    subresources: &[],
    name_rule: NameRule::Subdomain,
    needs_version: false,
    confidential: false,
    selectable_fields: &[],
    merge: &[],
    columns: &table::NAME_ONLY,
    normalise: normalise::<LocalSubjectAccessReview>,
};

pub(super) static SELF_SUBJECT_ACCESS_REVIEWS: Definition = Definition {
    group: "authorization.k8s.io",
    version: "v1",
    kind: "SelfSubjectAccessReview",
    plural: "selfsubjectaccessreviews",
    singular: "selfsubjectaccessreview",
    short_names: &[],
    scope: Scope::Cluster,
    verbs: VIRTUAL,
    subresources: &[],
    name_rule: NameRule::Subdomain,
    needs_version: false,
    confidential: false,
    selectable_fields: &[],
    merge: &[],
    columns: &table::NAME_ONLY,
    normalise: normalise::<SelfSubjectAccessReview>,
};

pub(super) static SELF_SUBJECT_RULES_REVIEWS: Definition = Definition {
    group: "authorization.k8s.io",
    version: "v1",
    kind: "SelfSubjectRulesReview",
    plural: "selfsubjectrulesreviews",
    singular: "selfsubjectrulesreview",
    short_names: &[],
    scope: Scope::Cluster,
    verbs: VIRTUAL,
    subresources: &[],
    name_rule: NameRule::Subdomain,
    needs_version: false,
    confidential: false,
    selectable_fields: &[],
    merge: &[],
    columns: &table::NAME_ONLY,
    normalise: normalise::<SelfSubjectRulesReview>,
};

pub(super) static SUBJECT_ACCESS_REVIEWS: Definition = Definition {
    group: "authorization.k8s.io",
    version: "v1",
    kind: "SubjectAccessReview",
    plural: "subjectaccessreviews",
    singular: "subjectaccessreview",
    short_names: &[],
    scope: Scope::Cluster,
    verbs: VIRTUAL,
    subresources: &[],
    name_rule: NameRule::Subdomain,
    needs_version: false,
    confidential: false,
    selectable_fields: &[],
    merge: &[],
    columns: &table::NAME_ONLY,
    normalise: normalise::<SubjectAccessReview>,
};
