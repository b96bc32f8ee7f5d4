//! What two states of an object differ in.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::Fields;
use super::shape::{Parts, Shapes, join};

/// What two states differ in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) added: Fields,
    pub(super) modified: Fields,
    pub(super) removed: Fields,
}

impl Comparison {
    /// From one state to another.
    pub(super) fn between(old: &Value, new: &Value, shapes: Shapes) -> Self {
        compare(Some(old), Some(new), "", shapes)
    }

    /// What the new state says that the old one did not.
    pub(super) fn written(&self) -> Fields {
        self.added.union(&self.modified)
    }

    /// Without some places.
    pub(super) fn without(self, places: &[&str]) -> Self {
        Self {
            added: self.added.without(places),
            modified: self.modified.without(places),
            removed: self.removed.without(places),
        }
    }

    fn insert(&mut self, name: &str, part: Self) {
        self.added.insert(name, part.added);
        self.modified.insert(name, part.modified);
        self.removed.insert(name, part.removed);
    }
}

fn compare(old: Option<&Value>, new: Option<&Value>, path: &str, shapes: Shapes) -> Comparison {
    let mut found = Comparison::default();
    match (old, new) {
        (None, Some(_)) => found.added.own(),
        (Some(_), None) => found.removed.own(),
        _ => {}
    }
    let (before, after) = match (named(old, path, shapes), named(new, path, shapes)) {
        (None, None) => {
            if let (Some(old), Some(new)) = (old, new)
                && old != new
            {
                found.modified.own();
            }
            return found;
        }
        (before, after) => (before.unwrap_or_default(), after.unwrap_or_default()),
    };
    let mut rest: BTreeMap<&str, &Value> = by_name(&after);
    for (name, value) in by_name(&before) {
        let other = rest.remove(name);
        found.insert(name, compare(Some(value), other, &join(path, name), shapes));
    }
    for (name, value) in rest {
        found.insert(name, compare(None, Some(value), &join(path, name), shapes));
    }
    found
}

fn by_name<'a>(parts: &'a [(String, &'a Value)]) -> BTreeMap<&'a str, &'a Value> {
    parts
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect()
}

/// The parts of a value that is owned in parts.
fn named<'a>(
    value: Option<&'a Value>,
    path: &str,
    shapes: Shapes,
) -> Option<Vec<(String, &'a Value)>> {
    match shapes.parts(path, value?) {
        Parts::Named(parts) => Some(parts),
        Parts::Whole => None,
    }
}
