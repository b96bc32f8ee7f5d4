//! Field selectors: `metadata.name=a,spec.signerName!=b`.
//!
//! Source: `k8s.io/apimachinery/pkg/fields/selector.go`.

use serde_json::Value;

use crate::resource::{Definition, Object};
use crate::store::Scope;

const NAME: &str = "metadata.name";
const NAMESPACE: &str = "metadata.namespace";

/// Conditions on fields; an object must meet all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: String,
    value: String,
    equal: bool,
}

impl FieldSelector {
    /// Reads the text form. Empty text selects everything.
    ///
    /// # Errors
    /// What was expected, for a malformed one.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let terms = split_unescaped(text)
            .into_iter()
            .filter(|term| !term.is_empty())
            .map(term)
            .collect::<Result<_, _>>()?;
        Ok(Self { terms })
    }

    /// Whether the kind offers every field.
    pub(super) fn check(&self, definition: &Definition) -> Result<(), String> {
        for term in &self.terms {
            let field = term.field.as_str();
            let offered = field == NAME
                || (field == NAMESPACE && definition.is_namespaced())
                || definition.selectable_fields.contains(&field);
            if !offered {
                return Err(format!("field label not supported: {field}"));
            }
        }
        Ok(())
    }

    /// Moves what it says about name and namespace into the scope, where the scope leaves that open.
    pub(super) fn narrow(&mut self, scope: &mut Scope, namespaced: bool) {
        self.terms.retain(|term| {
            let slot = match term.field.as_str() {
                NAME => &mut scope.name,
                NAMESPACE if namespaced => &mut scope.namespace,
                _ => return true,
            };
            if !term.equal || slot.is_some() {
                return true;
            }
            *slot = Some(term.value.as_str().into());
            false
        });
    }

    /// The name that an object must have.
    pub(crate) fn name(&self) -> Option<&str> {
        self.terms
            .iter()
            .find(|term| term.equal && term.field == NAME)
            .map(|term| term.value.as_str())
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    pub(crate) fn matches(&self, object: &Object) -> bool {
        self.terms
            .iter()
            .all(|term| (value(object, &term.field) == term.value) == term.equal)
    }
}

/// A field's value as selectors compare it; what is not there is empty.
fn value(object: &Object, field: &str) -> String {
    // An Event's source is its component, whichever of the two generations of fields says it.
    if field == "source" {
        let component = object.text_at(&["source", "component"]);
        return if component.is_empty() {
            object.text_at(&["reportingComponent"]).to_owned()
        } else {
            component.to_owned()
        };
    }
    let path: Vec<&str> = field.split('.').collect();
    match object.at(&path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(flag)) => flag.to_string(),
        None if field == "spec.unschedulable" => "false".to_owned(),
        _ => String::new(),
    }
}

fn term(text: &str) -> Result<Term, String> {
    let (field, value, equal) = if let Some((field, value)) = text.split_once("!=") {
        (field, value, false)
    } else if let Some((field, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (field, value, true)
    } else {
        return Err(format!(
            "{text:?}: expected \"field=value\" or \"field!=value\""
        ));
    };
    Ok(Term {
        field: field.to_owned(),
        value: unescape(value)?,
        equal,
    })
}

/// Splits at the commas that no backslash escapes.
fn split_unescaped(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.extend(text.get(start..index));
                start = index + 1;
            }
            _ => {}
        }
    }
    terms.extend(text.get(start..));
    terms
}

fn unescape(value: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | ',' | '=')) => plain.push(escaped),
                _ => return Err(format!("{value:?}: a backslash escapes \\, comma and =")),
            },
            '=' => return Err(format!("{value:?}: an unescaped = in a value")),
            other => plain.push(other),
        }
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn secret() -> Object {
        Object::from_value(json!({
            "metadata": {"name": "s", "namespace": "n"}, "type": "Opaque"
        }))
        .unwrap()
    }

    #[test]
    fn terms_compare_fields() {
        for (selector, expected) in [
            ("", true),
            ("type=Opaque", true),
            ("type==Opaque", true),
            ("type!=Opaque", false),
            ("type=x", false),
            ("metadata.name=s,type=Opaque", true),
            ("metadata.name=s,type=x", false),
        ] {
            assert_eq!(
                FieldSelector::parse(selector).unwrap().matches(&secret()),
                expected,
                "{selector:?}"
            );
        }
    }

    #[test]
    fn name_and_namespace_become_the_scope() {
        let mut scope = Scope::all("/secrets");
        let mut selector =
            FieldSelector::parse("metadata.name=s,metadata.namespace=n,type=Opaque").unwrap();
        selector.narrow(&mut scope, true);
        assert_eq!(scope, Scope::all("/secrets").within("n").named("s"));
        assert_eq!(selector, FieldSelector::parse("type=Opaque").unwrap());

        let mut elsewhere = Scope::all("/secrets").within("m");
        let mut selector = FieldSelector::parse("metadata.namespace=n").unwrap();
        selector.narrow(&mut elsewhere, true);
        assert_eq!(elsewhere, Scope::all("/secrets").within("m"));
        assert!(!selector.is_everything());
    }

    #[test]
    fn escapes_and_errors() {
        let selector = FieldSelector::parse(r"a=b\,c\=d\\").unwrap();
        assert_eq!(selector.terms.first().unwrap().value, r"b,c=d\");
        for malformed in ["a", "a=b=c", r"a=b\c", r"a=b\"] {
            assert!(FieldSelector::parse(malformed).is_err(), "{malformed:?}");
        }
    }

    #[test]
    fn a_missing_flag_counts_as_false() {
        let node = Object::from_value(json!({"spec": {}})).unwrap();
        assert!(
            FieldSelector::parse("spec.unschedulable=false")
                .unwrap()
                .matches(&node)
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = FieldSelector::parse(&text);
        }
    }
}
