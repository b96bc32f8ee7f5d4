//! Strategic merge patch: a merge patch that knows how lists are merged, with directives.
//!
//! Source: `k8s.io/apimachinery/pkg/util/strategicpatch/patch.go` and the Kubernetes documentation of
//! `$patch`, `$retainKeys`, `$setElementOrder` and `$deleteFromPrimitiveList`.

use serde_json::{Map, Value};

use super::merge_schema::{METADATA, Merge, MergeBy};

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const SET_ORDER: &str = "$setElementOrder/";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";

/// What is wrong with a strategic merge patch.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum StrategicError {
    /// A directive that does not exist.
    #[error(
        "{path}: unknown {PATCH} directive {found:?}: expected \"replace\", \"delete\" or \"merge\""
    )]
    Directive {
        /// The object that carries it.
        path: String,
        /// Its text.
        found: String,
    },
    /// An element of a merged list that cannot be told from others.
    #[error("{path}: an element has no merge key {key:?}")]
    NoKey {
        /// The list.
        path: String,
        /// The field that every element needs.
        key: &'static str,
    },
    /// A value of another type than its place demands.
    #[error("{path}: expected {expected}")]
    Type {
        /// The value's place.
        path: String,
        /// What belongs there.
        expected: &'static str,
    },
}

/// The object after the patch.
pub(super) fn apply(
    object: Value,
    patch: &Value,
    merge: &'static [Merge],
) -> Result<Value, StrategicError> {
    let schema = Schema { merge };
    let (Value::Object(object), Value::Object(patch)) = (object, patch) else {
        return Err(StrategicError::Type {
            path: "the patch".to_owned(),
            expected: "an object",
        });
    };
    schema.merge_maps(object, patch, "").map(Value::Object)
}

struct Schema {
    merge: &'static [Merge],
}

impl Schema {
    fn strategy(&self, path: &str) -> Option<MergeBy> {
        METADATA
            .iter()
            .chain(self.merge)
            .find(|merge| merge.path == path)
            .map(|merge| merge.by)
    }

    fn merge_maps(
        &self,
        mut original: Map<String, Value>,
        patch: &Map<String, Value>,
        path: &str,
    ) -> Result<Map<String, Value>, StrategicError> {
        match directive(patch, path)? {
            Directive::Replace => return Ok(without_directives(patch)),
            Directive::Delete => return Ok(Map::new()),
            Directive::Merge => {}
        }
        for (name, value) in patch {
            if let Some(list) = name.strip_prefix(DELETE_FROM) {
                remove_values(&mut original, list, value, path)?;
            }
        }
        for (name, value) in patch.iter().filter(|(name, _)| !name.starts_with('$')) {
            let place = join(path, name);
            let merged = match (original.get_mut(name).map(Value::take), value) {
                (_, Value::Null) => {
                    original.shift_remove(name);
                    continue;
                }
                (Some(Value::Object(before)), Value::Object(patch)) => {
                    Value::Object(self.merge_maps(before, patch, &place)?)
                }
                (Some(Value::Array(before)), Value::Array(patch)) => {
                    Value::Array(self.merge_lists(before, patch, &place)?)
                }
                // Directives have no place in what is stored, even if there was nothing to direct.
                (_, Value::Object(patch)) => {
                    Value::Object(self.merge_maps(Map::new(), patch, &place)?)
                }
                (_, Value::Array(patch)) => {
                    Value::Array(self.merge_lists(Vec::new(), patch, &place)?)
                }
                (_, other) => other.clone(),
            };
            original.insert(name.clone(), merged);
        }
        for (name, value) in patch {
            if let Some(list) = name.strip_prefix(SET_ORDER) {
                self.reorder(&mut original, list, value, path)?;
            }
        }
        retain_keys(&mut original, patch, path)?;
        Ok(original)
    }

    fn merge_lists(
        &self,
        original: Vec<Value>,
        patch: &[Value],
        path: &str,
    ) -> Result<Vec<Value>, StrategicError> {
        match self.strategy(path) {
            None => Ok(patch.to_vec()),
            Some(MergeBy::Value) => {
                let mut merged = original;
                for value in patch {
                    if !merged.contains(value) {
                        merged.push(value.clone());
                    }
                }
                Ok(merged)
            }
            Some(MergeBy::Key(key)) => self.merge_by_key(original, patch, path, key),
        }
    }

    fn merge_by_key(
        &self,
        original: Vec<Value>,
        patch: &[Value],
        path: &str,
        key: &'static str,
    ) -> Result<Vec<Value>, StrategicError> {
        let mut elements = Vec::with_capacity(patch.len());
        let mut replace = false;
        for element in patch {
            let element = element.as_object().ok_or_else(|| StrategicError::Type {
                path: path.to_owned(),
                expected: "objects in the list",
            })?;
            let directive = directive(element, path)?;
            // An element of nothing but a directive is about the whole list.
            if directive == Directive::Replace && !element.contains_key(key) {
                replace = true;
            } else {
                elements.push((directive, element));
            }
        }
        let mut merged = if replace { Vec::new() } else { original };
        for (directive, element) in elements {
            let value = element.get(key).ok_or_else(|| StrategicError::NoKey {
                path: path.to_owned(),
                key,
            })?;
            let found = merged
                .iter()
                .position(|candidate| candidate.get(key) == Some(value));
            match (directive, found) {
                (Directive::Delete, _) => {
                    merged.retain(|candidate| candidate.get(key) != Some(value));
                }
                (Directive::Merge | Directive::Replace, Some(index)) => {
                    let Some(slot) = merged.get_mut(index) else {
                        continue;
                    };
                    let before = match slot.take() {
                        Value::Object(before) => before,
                        _ => Map::new(),
                    };
                    *slot = Value::Object(self.merge_maps(before, element, path)?);
                }
                (Directive::Merge | Directive::Replace, None) => {
                    merged.push(Value::Object(self.merge_maps(Map::new(), element, path)?));
                }
            }
        }
        Ok(merged)
    }

    /// Puts the listed elements in the listed order; what is not listed keeps its place among them.
    fn reorder(
        &self,
        object: &mut Map<String, Value>,
        name: &str,
        order: &Value,
        path: &str,
    ) -> Result<(), StrategicError> {
        let place = join(path, name);
        let order = order.as_array().ok_or_else(|| StrategicError::Type {
            path: join(path, &format!("{SET_ORDER}{name}")),
            expected: "a list",
        })?;
        let Some(Value::Array(list)) = object.get_mut(name) else {
            return Ok(());
        };
        let by = self.strategy(&place);
        let rank = |element: &Value| {
            order.iter().position(|wanted| match by {
                Some(MergeBy::Key(key)) => element.get(key) == wanted.get(key),
                _ => element == wanted,
            })
        };
        // Unlisted elements sort with the listed element that they follow.
        let mut last = None;
        let mut ranked: Vec<(Option<usize>, Value)> = Vec::with_capacity(list.len());
        for element in list.drain(..) {
            last = rank(&element).or(last);
            ranked.push((last, element));
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        list.extend(ranked.into_iter().map(|(_, element)| element));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive(patch: &Map<String, Value>, path: &str) -> Result<Directive, StrategicError> {
    match patch.get(PATCH) {
        None => Ok(Directive::Merge),
        Some(Value::String(text)) if text == "merge" => Ok(Directive::Merge),
        Some(Value::String(text)) if text == "replace" => Ok(Directive::Replace),
        Some(Value::String(text)) if text == "delete" => Ok(Directive::Delete),
        Some(other) => Err(StrategicError::Directive {
            path: place(path),
            found: other.to_string(),
        }),
    }
}

fn remove_values(
    object: &mut Map<String, Value>,
    name: &str,
    values: &Value,
    path: &str,
) -> Result<(), StrategicError> {
    let values = values.as_array().ok_or_else(|| StrategicError::Type {
        path: join(path, &format!("{DELETE_FROM}{name}")),
        expected: "a list",
    })?;
    if let Some(Value::Array(list)) = object.get_mut(name) {
        list.retain(|value| !values.contains(value));
    }
    Ok(())
}

fn retain_keys(
    object: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    path: &str,
) -> Result<(), StrategicError> {
    let Some(keys) = patch.get(RETAIN_KEYS) else {
        return Ok(());
    };
    let keys = keys.as_array().ok_or_else(|| StrategicError::Type {
        path: join(path, RETAIN_KEYS),
        expected: "a list of field names",
    })?;
    object.retain(|name, _| keys.iter().any(|key| key.as_str() == Some(name)));
    Ok(())
}

/// A replacement as it is stored.
fn without_directives(patch: &Map<String, Value>) -> Map<String, Value> {
    patch
        .iter()
        .filter(|(name, _)| !name.starts_with('$'))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn place(path: &str) -> String {
    if path.is_empty() {
        "the patch".to_owned()
    } else {
        path.to_owned()
    }
}
