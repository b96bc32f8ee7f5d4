//! Between the API's access reviews and [`Attributes`].

use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, NonResourceRule, ResourceAttributes, ResourceRule,
    SubjectAccessReviewSpec, SubjectAccessReviewStatus, SubjectRulesReviewStatus,
};
use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::json;

use super::{Attributes, Decision, ResourceTarget, Target};
use crate::authentication::UserInfo;
use crate::strategy::Violation;

/// What a review asks about: exactly one of a resource and a path.
pub(crate) fn attributes(
    resource: Option<&ResourceAttributes>,
    path: Option<&NonResourceAttributes>,
) -> Result<Attributes, Violation> {
    match (resource, path) {
        (Some(resource), None) => Ok(Attributes::resource(
            resource.verb.as_deref().unwrap_or_default(),
            ResourceTarget {
                group: resource.group.clone().unwrap_or_default(),
                resource: resource.resource.clone().unwrap_or_default(),
                subresource: resource.subresource.clone().unwrap_or_default(),
                namespace: resource.namespace.clone().unwrap_or_default(),
                name: name(resource).unwrap_or_default(),
            },
        )),
        (None, Some(path)) => Ok(Attributes::path(
            path.verb.as_deref().unwrap_or_default(),
            path.path.as_deref().unwrap_or_default(),
        )),
        (Some(_), Some(path)) => {
            let value = json!({"Path": path.path, "Verb": path.verb});
            Err(Violation::invalid(
                "spec.nonResourceAttributes",
                format!("{value}: cannot be specified in combination with resourceAttributes"),
            ))
        }
        (None, None) => Err(Violation::invalid(
            "spec.resourceAttributes",
            "null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
        )),
    }
}

/// The object's name, or the one that a selector on `metadata.name` leaves.
fn name(resource: &ResourceAttributes) -> Option<String> {
    let given = resource.name.clone().filter(|name| !name.is_empty());
    given.or_else(|| {
        resource
            .field_selector
            .as_ref()?
            .requirements
            .as_ref()?
            .iter()
            .find(|requirement| requirement.key == "metadata.name" && requirement.operator == "In")
            .and_then(|requirement| match requirement.values.as_deref() {
                Some([name]) => Some(name.clone()),
                _ => None,
            })
    })
}

/// Whom a SubjectAccessReview asks about.
pub(crate) fn subject(spec: &SubjectAccessReviewSpec) -> Result<UserInfo, Violation> {
    let user = UserInfo {
        username: spec.user.clone().unwrap_or_default(),
        uid: spec.uid.clone().unwrap_or_default(),
        groups: spec.groups.clone().unwrap_or_default(),
        extra: spec.extra.clone().unwrap_or_default(),
    };
    if user.username.is_empty() && user.groups.is_empty() {
        return Err(Violation::invalid(
            "spec.user",
            "\"\": at least one of user or group must be specified",
        ));
    }
    Ok(user)
}

/// In a namespace one asks about that namespace and nothing else.
pub(crate) fn is_local(attributes: &Attributes, namespace: &str) -> Result<(), Violation> {
    match &attributes.target {
        Target::Resource(target) if target.namespace == namespace => Ok(()),
        Target::Resource(target) => Err(Violation::invalid(
            "spec.resourceAttributes.namespace",
            format!("{:?}: must match metadata.namespace", target.namespace),
        )),
        Target::Path(_) => Err(Violation::invalid(
            "spec.nonResourceAttributes",
            "a path has no namespace: use a SubjectAccessReview",
        )),
    }
}

/// The answer to an access review.
pub(crate) fn status(decision: Decision) -> SubjectAccessReviewStatus {
    match decision {
        Decision::Allow(reason) => SubjectAccessReviewStatus {
            allowed: true,
            reason: Some(reason),
            ..SubjectAccessReviewStatus::default()
        },
        Decision::Deny(reason) => SubjectAccessReviewStatus {
            allowed: false,
            denied: Some(true),
            reason: Some(reason),
            ..SubjectAccessReviewStatus::default()
        },
        Decision::NoOpinion => SubjectAccessReviewStatus::default(),
    }
}

/// The answer to a SelfSubjectRulesReview.
pub(crate) fn rules_status(user: &UserInfo, rules: Vec<PolicyRule>) -> SubjectRulesReviewStatus {
    let (paths, resources): (Vec<_>, Vec<_>) = rules.into_iter().partition(|rule| {
        rule.non_resource_urls
            .as_ref()
            .is_some_and(|urls| !urls.is_empty())
    });
    let narrowed = user.is_bootstrap() || user.node_name().is_some();
    SubjectRulesReviewStatus {
        evaluation_error: narrowed.then(|| {
            "rules cannot say that a certificate signing request has to be your own".to_owned()
        }),
        incomplete: narrowed,
        non_resource_rules: paths
            .into_iter()
            .map(|rule| NonResourceRule {
                non_resource_urls: rule.non_resource_urls,
                verbs: rule.verbs,
            })
            .collect(),
        resource_rules: resources
            .into_iter()
            .map(|rule| ResourceRule {
                api_groups: rule.api_groups,
                resource_names: rule.resource_names,
                resources: rule.resources,
                verbs: rule.verbs,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::authorization::v1::FieldSelectorAttributes;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::FieldSelectorRequirement;

    use super::*;

    fn secrets(namespace: &str) -> ResourceAttributes {
        ResourceAttributes {
            verb: Some("list".into()),
            resource: Some("secrets".into()),
            namespace: Some(namespace.into()),
            ..ResourceAttributes::default()
        }
    }

    #[test]
    fn a_review_is_about_one_thing() {
        let path = NonResourceAttributes {
            path: Some("/healthz".into()),
            verb: Some("get".into()),
        };
        assert_eq!(
            attributes(None, Some(&path)),
            Ok(Attributes::path("get", "/healthz"))
        );
        assert!(attributes(Some(&secrets("a")), Some(&path)).is_err());
        assert!(attributes(None, None).is_err());
    }

    #[test]
    fn a_selector_on_the_name_is_a_name() {
        let selected = ResourceAttributes {
            field_selector: Some(FieldSelectorAttributes {
                requirements: Some(vec![FieldSelectorRequirement {
                    key: "metadata.name".into(),
                    operator: "In".into(),
                    values: Some(vec!["x".into()]),
                }]),
                ..FieldSelectorAttributes::default()
            }),
            ..secrets("a")
        };
        let found = attributes(Some(&selected), None).unwrap();
        assert!(matches!(found.target, Target::Resource(target) if target.name == "x"));
    }

    #[test]
    fn a_local_review_stays_in_its_namespace() {
        let asked = attributes(Some(&secrets("a")), None).unwrap();
        assert_eq!(is_local(&asked, "a"), Ok(()));
        assert!(is_local(&asked, "b").is_err());
        assert!(is_local(&Attributes::path("get", "/healthz"), "a").is_err());
    }

    #[test]
    fn a_ban_is_told_apart_from_no_permission() {
        assert_eq!(status(Decision::Deny("x".into())).denied, Some(true));
        assert_eq!(status(Decision::NoOpinion).denied, None);
        assert!(!status(Decision::NoOpinion).allowed);
        assert!(status(Decision::Allow("x".into())).allowed);
    }

    #[test]
    fn somebody_must_be_asked_about() {
        assert!(subject(&SubjectAccessReviewSpec::default()).is_err());
    }
}
