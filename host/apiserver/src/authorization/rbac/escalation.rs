//! Nobody hands out what they do not hold.

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::rule;

/// Rules that a role or a binding would hand out and its author does not hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Escalation {
    missing: Vec<PolicyRule>,
}

/// What of `granted` goes beyond what the author holds (`owned`); none where nothing does.
pub(crate) fn grants_more(owned: &[PolicyRule], granted: &[PolicyRule]) -> Option<Escalation> {
    let missing: Vec<_> = granted
        .iter()
        .filter(|rule| !rule::covers(owned, rule))
        .cloned()
        .collect();
    (!missing.is_empty()).then_some(Escalation { missing })
}

impl std::fmt::Display for Escalation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "these rules go beyond what you hold yourself:")?;
        for rule in &self.missing {
            write!(f, " {{verbs: {:?}", rule.verbs)?;
            for (key, values) in [
                ("apiGroups", &rule.api_groups),
                ("resources", &rule.resources),
                ("resourceNames", &rule.resource_names),
                ("nonResourceURLs", &rule.non_resource_urls),
            ] {
                if let Some(values) = values {
                    write!(f, ", {key}: {values:?}")?;
                }
            }
            write!(f, "}}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::rbac::rules;

    #[test]
    fn only_the_rules_that_go_beyond_are_named() {
        let owned = [rules::resources(&["get"], &[""], &["configmaps"])];
        assert_eq!(grants_more(&owned, &owned), None);
        let secrets = rules::resources(&["get"], &[""], &["secrets"]);
        let escalation = grants_more(&owned, &[owned[0].clone(), secrets]).unwrap();
        let text = escalation.to_string();
        assert!(
            text.contains("secrets") && !text.contains("configmaps"),
            "{text}"
        );
    }
}
