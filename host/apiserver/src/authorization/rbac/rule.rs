//! What one RBAC rule allows, and which rules another rule covers.

use k8s_openapi::api::rbac::v1::PolicyRule;

use crate::authorization::{Attributes, ResourceTarget, Target};

const ALL: &str = "*";

/// Whether the rule allows the verb on the target.
pub fn allows(rule: &PolicyRule, attributes: &Attributes) -> bool {
    matches_any(&rule.verbs, &attributes.verb)
        && match &attributes.target {
            Target::Path(path) => list(&rule.non_resource_urls)
                .iter()
                .any(|pattern| path_matches(pattern, path)),
            Target::Resource(target) => allows_resource(rule, target),
        }
}

fn allows_resource(rule: &PolicyRule, target: &ResourceTarget) -> bool {
    let names = list(&rule.resource_names);
    matches_any(list(&rule.api_groups), &target.group)
        && list(&rule.resources)
            .iter()
            .any(|pattern| resource_matches(pattern, &target.combined()))
        && (names.is_empty() || names.contains(&target.name))
}

/// Whether one of the owner's rules, or several together, allow everything that `wanted` allows. A
/// rule is taken apart into single (verb, group, resource, name) grants; each needs one owner's rule.
pub(crate) fn covers(owned: &[PolicyRule], wanted: &PolicyRule) -> bool {
    let verbs = &wanted.verbs;
    let paths = list(&wanted.non_resource_urls);
    let paths_covered = verbs.iter().all(|verb| {
        paths.iter().all(|path| {
            owned.iter().any(|rule| {
                matches_any(&rule.verbs, verb)
                    && list(&rule.non_resource_urls)
                        .iter()
                        .any(|pattern| path_matches(pattern, path))
            })
        })
    });
    paths_covered
        && verbs.iter().all(|verb| {
            list(&wanted.api_groups).iter().all(|group| {
                list(&wanted.resources).iter().all(|resource| {
                    covers_resource(owned, verb, group, resource, list(&wanted.resource_names))
                })
            })
        })
}

fn covers_resource(
    owned: &[PolicyRule],
    verb: &str,
    group: &str,
    resource: &str,
    names: &[String],
) -> bool {
    let applies = |rule: &&PolicyRule| {
        matches_any(&rule.verbs, verb)
            && matches_any(list(&rule.api_groups), group)
            && list(&rule.resources)
                .iter()
                .any(|pattern| resource_matches(pattern, resource))
    };
    let covered = |name: Option<&String>| {
        owned.iter().filter(applies).any(|rule| {
            let owned_names = list(&rule.resource_names);
            owned_names.is_empty() || name.is_some_and(|name| owned_names.contains(name))
        })
    };
    if names.is_empty() {
        covered(None)
    } else {
        names.iter().all(|name| covered(Some(name)))
    }
}

fn matches_any(patterns: &[String], value: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| pattern == ALL || pattern == value)
}

/// `*` is everything, `*/status` that subresource of everything; anything else is exact, so that
/// `nodes` does not mean `nodes/status`.
fn resource_matches(pattern: &str, combined: &str) -> bool {
    pattern == ALL
        || pattern == combined
        || match (pattern.strip_prefix("*/"), combined.split_once('/')) {
            (Some(wanted), Some((_, subresource))) => wanted == subresource,
            _ => false,
        }
}

/// A `*` counts only at the end of a path.
fn path_matches(pattern: &str, path: &str) -> bool {
    pattern == path
        || pattern
            .strip_suffix(ALL)
            .is_some_and(|prefix| path.starts_with(prefix))
}

fn list(values: &Option<Vec<String>>) -> &[String] {
    values.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::rbac::rules;

    fn asks(verb: &str, target: ResourceTarget) -> Attributes {
        Attributes::resource(verb, target)
    }

    #[test]
    fn a_resource_is_not_its_subresource() {
        let rule = rules::resources(&["get"], &[""], &["nodes"]);
        let node = ResourceTarget::new("", "nodes").named("n1");
        assert!(allows(&rule, &asks("get", node.clone())));
        assert!(!allows(
            &rule,
            &asks("get", node.clone().subresource("status"))
        ));
        assert!(!allows(&rule, &asks("update", node.clone())));
        let any_status = rules::resources(&["get"], &["*"], &["*/status"]);
        assert!(allows(
            &any_status,
            &asks("get", node.clone().subresource("status"))
        ));
        assert!(!allows(&any_status, &asks("get", node)));
    }

    #[test]
    fn a_rule_with_names_does_not_allow_a_list() {
        let rule = rules::named(&["get", "list"], &[""], &["configmaps"], &["cluster-info"]);
        let target = ResourceTarget::new("", "configmaps").within("kube-public");
        assert!(allows(
            &rule,
            &asks("get", target.clone().named("cluster-info"))
        ));
        assert!(!allows(&rule, &asks("get", target.clone().named("other"))));
        assert!(!allows(&rule, &asks("list", target)));
    }

    #[test]
    fn the_group_counts() {
        let rule = rules::resources(&["*"], &["certificates.k8s.io"], &["*"]);
        assert!(allows(
            &rule,
            &asks(
                "approve",
                ResourceTarget::new("certificates.k8s.io", "signers").named("a/b")
            )
        ));
        assert!(!allows(
            &rule,
            &asks("get", ResourceTarget::new("", "secrets"))
        ));
    }

    #[test]
    fn a_star_in_a_path_counts_at_its_end_only() {
        let rule = rules::paths(&["get"], &["/healthz", "/version/*"]);
        assert!(allows(&rule, &Attributes::path("get", "/healthz")));
        assert!(allows(&rule, &Attributes::path("get", "/version/")));
        assert!(!allows(&rule, &Attributes::path("get", "/healthz/etcd")));
        assert!(!allows(&rule, &Attributes::path("post", "/healthz")));
        assert!(!allows(
            &rules::paths(&["get"], &["/*/z"]),
            &Attributes::path("get", "/a/z")
        ));
    }

    #[test]
    fn several_rules_cover_one_together() {
        let owned = [
            rules::resources(&["get", "list"], &[""], &["configmaps"]),
            rules::named(&["update"], &[""], &["configmaps"], &["a", "b"]),
        ];
        let wanted = |verbs: &[&str], names: &[&str]| {
            if names.is_empty() {
                rules::resources(verbs, &[""], &["configmaps"])
            } else {
                rules::named(verbs, &[""], &["configmaps"], names)
            }
        };
        assert!(covers(&owned, &wanted(&["get"], &[])));
        assert!(covers(&owned, &wanted(&["get", "update"], &["a"])));
        assert!(covers(&owned, &wanted(&["update"], &["a", "b"])));
        assert!(!covers(&owned, &wanted(&["update"], &["a", "c"])));
        assert!(!covers(&owned, &wanted(&["update"], &[])));
        assert!(!covers(&owned, &wanted(&["*"], &["a"])));
        assert!(!covers(
            &owned,
            &rules::resources(&["get"], &["*"], &["configmaps"])
        ));
        assert!(!covers(&owned, &rules::paths(&["get"], &["/metrics"])));
    }
}
