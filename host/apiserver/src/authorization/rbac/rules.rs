//! Rules written in a line.

use k8s_openapi::api::rbac::v1::PolicyRule;

/// These verbs on all objects of these resources.
pub(crate) fn resources(verbs: &[&str], groups: &[&str], resources: &[&str]) -> PolicyRule {
    PolicyRule {
        verbs: texts(verbs),
        api_groups: Some(texts(groups)),
        resources: Some(texts(resources)),
        ..PolicyRule::default()
    }
}

/// These verbs on the objects of these names.
pub(crate) fn named(verbs: &[&str], groups: &[&str], kinds: &[&str], names: &[&str]) -> PolicyRule {
    PolicyRule {
        resource_names: Some(texts(names)),
        ..resources(verbs, groups, kinds)
    }
}

/// These verbs on paths that are no API resources.
pub(crate) fn paths(verbs: &[&str], paths: &[&str]) -> PolicyRule {
    PolicyRule {
        verbs: texts(verbs),
        non_resource_urls: Some(texts(paths)),
        ..PolicyRule::default()
    }
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|&value| value.to_owned()).collect()
}
