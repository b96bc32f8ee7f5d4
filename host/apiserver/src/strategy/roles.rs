//! Roles and bindings: what is valid, and that nobody grants more than they hold.

use k8s_openapi::api::rbac::v1::{AggregationRule, PolicyRule, RoleRef, Subject};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Violation, forbidden, read, valid};
use crate::authorization::permissions::Permissions;
use crate::authorization::{ResourceTarget, UnionAuthorizer, resources};
use crate::resource::{Context, Object, ObjectError};
use crate::status::Status;

/// What a Role and a ClusterRole have in common.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleBody {
    rules: Option<Vec<PolicyRule>>,
    aggregation_rule: Option<AggregationRule>,
}

/// What a RoleBinding and a ClusterRoleBinding have in common.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct BindingBody {
    role_ref: RoleRef,
    #[serde(default)]
    subjects: Vec<Subject>,
}

/// From the Role or ClusterRole as the client wants it to the one that is stored.
pub(super) fn admit_role(
    authorizer: &UnionAuthorizer,
    old: Option<&Object>,
    new: Object,
    context: &Context,
) -> Result<Object, Status> {
    let before = old.map(read::<RoleBody>).transpose()?;
    let after: RoleBody = read(&new)?;
    let written = after.rules.as_deref().unwrap_or_default();
    let mut violations = rules(written, context.resource.is_namespaced());
    violations.extend(aggregation(after.aggregation_rule.as_ref()));
    valid(&violations, Some(new.name()), context)?;
    if before.is_none_or(|before| before.rules != after.rules) {
        let role = ResourceTarget::new(resources::RBAC, context.resource.plural)
            .within(&context.namespace)
            .named(new.name());
        permitted(authorizer, &new, context, |permissions| {
            permissions.grant(role, written)
        })?;
    }
    Ok(new)
}

/// From the RoleBinding or ClusterRoleBinding as the client wants it to the one that is stored.
pub(super) fn admit_binding(
    authorizer: &UnionAuthorizer,
    old: Option<&Object>,
    new: Object,
    context: &Context,
) -> Result<Object, Status> {
    let before = old.map(read::<BindingBody>).transpose()?;
    let mut after: BindingBody = read(&new)?;
    fill_in(&mut after.role_ref, &mut after.subjects);
    let namespaced = context.resource.is_namespaced();
    let mut violations = role_ref(
        before.as_ref().map(|before| &before.role_ref),
        &after.role_ref,
        namespaced,
    );
    violations.extend(subjects(&after.subjects, namespaced));
    valid(&violations, Some(new.name()), context)?;
    if before.is_none_or(|before| before.subjects != after.subjects) {
        permitted(authorizer, &new, context, |permissions| {
            permissions.bind(&context.namespace, &after.role_ref)
        })?;
    }
    let filled_in = serde_json::to_value(after)
        .map_err(ObjectError::from)
        .and_then(Object::from_value)
        .map_err(Status::internal)?;
    let mut new = new;
    new.copy_field_from(&filled_in, "roleRef");
    new.copy_field_from(&filled_in, "subjects");
    Ok(new)
}

fn permitted(
    authorizer: &UnionAuthorizer,
    object: &Object,
    context: &Context,
    ask: impl FnOnce(Permissions<'_>) -> Result<(), String>,
) -> Result<(), Status> {
    let policy = authorizer.policy()?;
    let permissions = Permissions {
        user: &context.user,
        policy: &policy,
    };
    ask(permissions).map_err(|why| forbidden(context, Some(object.name()), &why))
}

/// Everything wrong with a role's rules. Paths belong to cluster roles (`namespaced` is false) only.
pub(crate) fn rules(rules: &[PolicyRule], namespaced: bool) -> Vec<Violation> {
    let empty = |values: &Option<Vec<String>>| values.as_ref().is_none_or(Vec::is_empty);
    let mut found = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let field = format!("rules[{index}]");
        if rule.verbs.is_empty() {
            found.push(Violation::required(
                format!("{field}.verbs"),
                "verbs must contain at least one value",
            ));
        }
        let paths = rule.non_resource_urls.as_deref().unwrap_or_default();
        if !paths.is_empty() {
            let field = format!("{field}.nonResourceURLs");
            if namespaced {
                found.push(Violation::invalid(
                    field,
                    format!("{paths:?}: namespaced rules cannot apply to non-resource URLs"),
                ));
            } else if !(empty(&rule.api_groups)
                && empty(&rule.resources)
                && empty(&rule.resource_names))
            {
                found.push(Violation::invalid(
                    field,
                    format!(
                        "{paths:?}: rules cannot apply to both regular resources and non-resource URLs"
                    ),
                ));
            }
            continue;
        }
        if empty(&rule.api_groups) {
            found.push(Violation::required(
                format!("{field}.apiGroups"),
                "resource rules must supply at least one api group",
            ));
        }
        if empty(&rule.resources) {
            found.push(Violation::required(
                format!("{field}.resources"),
                "resource rules must supply at least one resource",
            ));
        }
    }
    found
}

/// Aggregated roles need a controller that this API does not have.
pub(crate) fn aggregation(rule: Option<&AggregationRule>) -> Option<Violation> {
    rule.map(|_| {
        Violation::forbidden(
            "aggregationRule",
            "aggregated cluster roles are not served by the embedded API: write the rules out",
        )
    })
}

/// Everything wrong with a binding's reference, given the one before the write.
pub(crate) fn role_ref(old: Option<&RoleRef>, new: &RoleRef, namespaced: bool) -> Vec<Violation> {
    let mut found = Vec::new();
    let group = new.api_group.as_deref();
    if let Some(group) = group.filter(|group| *group != resources::RBAC) {
        found.push(Violation::not_supported(
            "roleRef.apiGroup",
            &group,
            &[resources::RBAC],
        ));
    }
    let kinds: &[&str] = match namespaced {
        true => &["Role", "ClusterRole"],
        false => &["ClusterRole"],
    };
    if !kinds.contains(&new.kind.as_str()) {
        found.push(Violation::not_supported("roleRef.kind", &new.kind, kinds));
    }
    if new.name.is_empty() {
        found.push(Violation::missing("roleRef.name"));
    }
    if old.is_some_and(|old| (&old.kind, &old.name) != (&new.kind, &new.name)) {
        let value = json!({"APIGroup": resources::RBAC, "Kind": new.kind, "Name": new.name});
        found.push(Violation::invalid(
            "roleRef",
            format!("{value}: cannot change roleRef"),
        ));
    }
    found
}

/// Everything wrong with a binding's subjects.
pub(crate) fn subjects(subjects: &[Subject], namespaced: bool) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, subject) in subjects.iter().enumerate() {
        let field = format!("subjects[{index}]");
        if subject.name.is_empty() {
            found.push(Violation::missing(format!("{field}.name")));
        }
        let group = subject.api_group.as_deref().unwrap_or_default();
        let (its_group, namespace_holds) = match subject.kind.as_str() {
            "User" | "Group" => (resources::RBAC, true),
            "ServiceAccount" => (
                "",
                namespaced || subject.namespace.as_ref().is_some_and(|n| !n.is_empty()),
            ),
            kind => {
                found.push(Violation::not_supported(
                    format!("{field}.kind"),
                    &kind,
                    &["ServiceAccount", "User", "Group"],
                ));
                continue;
            }
        };
        // One that is not said is filled in.
        if !group.is_empty() && group != its_group {
            found.push(Violation::not_supported(
                format!("{field}.apiGroup"),
                &group,
                &[its_group],
            ));
        }
        if !namespace_holds {
            found.push(Violation::missing(format!("{field}.namespace")));
        }
    }
    found
}

/// Fills in what a client may leave out: the group of the reference and of its subjects.
pub(crate) fn fill_in(reference: &mut RoleRef, subjects: &mut [Subject]) {
    let group = |value: &mut Option<String>| {
        if value.as_ref().is_none_or(String::is_empty) {
            *value = Some(resources::RBAC.to_owned());
        }
    };
    group(&mut reference.api_group);
    for subject in subjects {
        if matches!(subject.kind.as_str(), "User" | "Group") {
            group(&mut subject.api_group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::rbac::rules as make;

    #[test]
    fn a_rule_is_about_resources_or_paths() {
        let secrets = make::resources(&["get"], &[""], &["secrets"]);
        let health = make::paths(&["get"], &["/healthz"]);
        assert_eq!(rules(&[secrets.clone(), health.clone()], false), []);
        assert_eq!(rules(std::slice::from_ref(&health), true).len(), 1);
        let both = PolicyRule {
            non_resource_urls: health.non_resource_urls,
            ..secrets.clone()
        };
        assert_eq!(rules(&[both], false).len(), 1);
        assert_eq!(rules(&[PolicyRule::default()], false).len(), 3);
        assert_eq!(
            rules(&[make::resources(&[], &[""], &["x"])], true)[0].field,
            "rules[0].verbs"
        );
    }

    #[test]
    fn a_reference_never_changes() {
        let role = |kind: &str, name: &str| RoleRef {
            kind: kind.into(),
            name: name.into(),
            api_group: None,
        };
        let old = role("ClusterRole", "a");
        assert_eq!(role_ref(Some(&old), &old, false), []);
        assert_eq!(
            role_ref(Some(&old), &role("ClusterRole", "b"), false).len(),
            1
        );
        assert_eq!(role_ref(None, &role("Role", "a"), false).len(), 1);
        assert_eq!(role_ref(None, &role("Role", "a"), true), []);
        assert_eq!(role_ref(None, &role("Secret", ""), true).len(), 2);
    }

    #[test]
    fn subjects_are_of_three_kinds() {
        let subject = |kind: &str, namespace: Option<&str>| Subject {
            kind: kind.into(),
            name: "x".into(),
            namespace: namespace.map(Into::into),
            api_group: None,
        };
        for kind in ["User", "Group"] {
            assert_eq!(subjects(&[subject(kind, None)], false), []);
        }
        assert_eq!(subjects(&[subject("ServiceAccount", None)], false).len(), 1);
        assert_eq!(subjects(&[subject("ServiceAccount", None)], true), []);
        assert_eq!(subjects(&[subject("ServiceAccount", Some("a"))], false), []);
        assert_eq!(subjects(&[subject("Node", None)], false).len(), 1);
    }

    #[test]
    fn groups_are_filled_in() {
        let mut reference = RoleRef::default();
        let mut subjects = [Subject {
            kind: "Group".into(),
            ..Subject::default()
        }];
        fill_in(&mut reference, &mut subjects);
        assert_eq!(reference.api_group.as_deref(), Some(resources::RBAC));
        assert_eq!(subjects[0].api_group.as_deref(), Some(resources::RBAC));
    }
}
