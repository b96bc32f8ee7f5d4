//! Label selectors: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
//!
//! Source: `k8s.io/apimachinery/pkg/labels/selector.go`.

use crate::resource::Object;

/// Conditions on labels; an object must meet all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    Exists(String),
    Absent(String),
    In(String, Vec<String>),
    /// Met by a missing label, too.
    NotIn(String, Vec<String>),
    Greater(String, i64),
    Less(String, i64),
}

impl LabelSelector {
    /// Reads the text form. Empty text selects everything.
    ///
    /// # Errors
    /// What was expected where, for a malformed one.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let requirements = split_top_level(text)
            .into_iter()
            .map(str::trim)
            .filter(|term| !term.is_empty())
            .map(requirement)
            .collect::<Result<_, _>>()?;
        Ok(Self { requirements })
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    pub(crate) fn matches(&self, object: &Object) -> bool {
        self.requirements
            .iter()
            .all(|requirement| requirement.is_met(object))
    }
}

impl Requirement {
    fn is_met(&self, object: &Object) -> bool {
        let number = |key: &str| {
            object
                .label(key)
                .and_then(|value| value.parse::<i64>().ok())
        };
        match self {
            Self::Exists(key) => object.label(key).is_some(),
            Self::Absent(key) => object.label(key).is_none(),
            Self::In(key, values) => object
                .label(key)
                .is_some_and(|value| values.iter().any(|wanted| wanted == value)),
            Self::NotIn(key, values) => object
                .label(key)
                .is_none_or(|value| values.iter().all(|unwanted| unwanted != value)),
            Self::Greater(key, bound) => number(key).is_some_and(|value| value > *bound),
            Self::Less(key, bound) => number(key).is_some_and(|value| value < *bound),
        }
    }
}

fn requirement(term: &str) -> Result<Requirement, String> {
    if let Some(key) = term.strip_prefix('!') {
        return Ok(Requirement::Absent(valid_key(key)?));
    }
    if let Some((head, values)) = term.split_once('(') {
        return set(term, head, values);
    }
    // The longer operators first: each contains the shorter.
    if let Some((key, value)) = term.split_once("!=") {
        return Ok(Requirement::NotIn(
            valid_key(key)?,
            vec![valid_value(value)?],
        ));
    }
    if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return Ok(Requirement::In(valid_key(key)?, vec![valid_value(value)?]));
    }
    if let Some((key, value)) = term.split_once('>') {
        return Ok(Requirement::Greater(valid_key(key)?, whole_number(value)?));
    }
    if let Some((key, value)) = term.split_once('<') {
        return Ok(Requirement::Less(valid_key(key)?, whole_number(value)?));
    }
    Ok(Requirement::Exists(valid_key(term)?))
}

fn set(term: &str, head: &str, values: &str) -> Result<Requirement, String> {
    let Some(values) = values.trim_end().strip_suffix(')') else {
        return Err(format!("{term:?}: expected \")\" at the end"));
    };
    let values = values
        .split(',')
        .map(valid_value)
        .collect::<Result<Vec<_>, _>>()?;
    let mut words = head.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(key), Some("in"), None) => Ok(Requirement::In(valid_key(key)?, values)),
        (Some(key), Some("notin"), None) => Ok(Requirement::NotIn(valid_key(key)?, values)),
        _ => Err(format!(
            "{term:?}: expected \"key in (values)\" or \"key notin (values)\""
        )),
    }
}

/// Splits at the commas outside parentheses.
fn split_top_level(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (index, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                terms.extend(text.get(start..index));
                start = index + 1;
            }
            _ => {}
        }
    }
    terms.extend(text.get(start..));
    terms
}

fn valid_key(key: &str) -> Result<String, String> {
    let key = key.trim();
    if crate::resource::is_qualified_name(key) {
        Ok(key.to_owned())
    } else {
        Err(format!("{key:?} is not a label key"))
    }
}

fn valid_value(value: &str) -> Result<String, String> {
    let value = value.trim();
    if crate::resource::is_label_value(value) {
        Ok(value.to_owned())
    } else {
        Err(format!("{value:?} is not a label value"))
    }
}

fn whole_number(value: &str) -> Result<i64, String> {
    let value = value.trim();
    value
        .parse()
        .map_err(|_| format!("{value:?}: expected a whole number after \"<\" or \">\""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn labelled(labels: serde_json::Value) -> Object {
        Object::from_value(json!({"metadata": {"labels": labels}})).unwrap()
    }

    #[test]
    fn every_operator_selects_what_it_says() {
        let object = labelled(json!({"app": "web", "tier": "2", "a.b/c": ""}));
        for selector in [
            "",
            "app=web",
            "app==web",
            "app = web",
            "app!=db",
            "absent!=x",
            "app in (db, web)",
            "app notin (db)",
            "absent notin (x)",
            "app",
            "!absent",
            "tier>1",
            "tier<3",
            "a.b/c=",
            "app=web,tier in (1,2),!absent",
        ] {
            assert!(
                LabelSelector::parse(selector).unwrap().matches(&object),
                "{selector:?}"
            );
        }
        for selector in [
            "app=db",
            "app!=web",
            "app in (db)",
            "app notin (web)",
            "absent",
            "!app",
            "tier>2",
            "app>1",
            "app=web,absent",
        ] {
            assert!(
                !LabelSelector::parse(selector).unwrap().matches(&object),
                "{selector:?}"
            );
        }
    }

    #[test]
    fn malformed_selectors_are_refused() {
        for selector in [
            "a in (b",
            "a within (b)",
            "in (b)",
            "-a",
            "a=b c",
            "a>x",
            "a/b/c",
            "!",
            "=b",
        ] {
            assert!(LabelSelector::parse(selector).is_err(), "{selector:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = LabelSelector::parse(&text);
        }
    }
}
