//! Where two documents differ.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// A place, and what stands there in each of the two answers.
#[derive(Debug)]
pub(crate) struct Difference {
    /// A JSON pointer (RFC 6901), without its escapes.
    pub(crate) at: String,
    theirs: Option<Value>,
    ours: Option<Value>,
}

/// The smallest differences between what Kubernetes and the embedded API answered.
pub(crate) fn differences(theirs: &Value, ours: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), Some(theirs), Some(ours), &mut found);
    found
}

fn compare(at: String, theirs: Option<&Value>, ours: Option<&Value>, found: &mut Vec<Difference>) {
    match (theirs, ours) {
        _ if theirs == ours => {}
        (Some(Value::Object(theirs)), Some(Value::Object(ours))) => {
            let names: BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
            for name in names {
                compare(
                    format!("{at}/{name}"),
                    theirs.get(name),
                    ours.get(name),
                    found,
                );
            }
        }
        (Some(Value::Array(theirs)), Some(Value::Array(ours))) => {
            for index in 0..theirs.len().max(ours.len()) {
                compare(
                    format!("{at}/{index}"),
                    theirs.get(index),
                    ours.get(index),
                    found,
                );
            }
        }
        _ => found.push(Difference {
            at,
            theirs: theirs.cloned(),
            ours: ours.cloned(),
        }),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value>| match value {
            Some(value) => value.to_string(),
            None => "nothing".to_owned(),
        };
        write!(
            f,
            "  {}\n    Kubernetes: {}\n    embedded:   {}",
            self.at,
            shown(&self.theirs),
            shown(&self.ours)
        )
    }
}
