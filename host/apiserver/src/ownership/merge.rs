//! Merging a configuration into an object, and taking fields out of one.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::fields::Fields;
use super::shape::{Parts, Shape, Shapes, element, join};

/// Every field that a configuration sets.
pub(super) fn fields_of(value: &Value, shapes: Shapes) -> Fields {
    collect(value, "", shapes)
}

fn collect(value: &Value, path: &str, shapes: Shapes) -> Fields {
    let Parts::Named(parts) = shapes.parts(path, value) else {
        return Fields::place();
    };
    let mut fields = Fields::default();
    for (name, part) in parts {
        let mut inner = collect(part, &join(path, &name), shapes);
        // Whoever names an element of a list says that it exists.
        if !name.starts_with("f:") {
            inner.own();
        }
        fields.insert(&name, inner);
    }
    fields
}

/// The object with the configuration in it.
pub(super) fn merge(live: &Value, config: &Value, shapes: Shapes) -> Value {
    merge_at(live, config, "", shapes)
}

fn merge_at(live: &Value, config: &Value, path: &str, shapes: Shapes) -> Value {
    match (live, config, shapes.at(path)) {
        (_, _, Some(Shape::Atomic)) => config.clone(),
        (Value::Object(live), Value::Object(config), _) => {
            let mut merged = live.clone();
            for (name, value) in config {
                let value = match live.get(name) {
                    Some(live) => merge_at(live, value, &join(path, &format!("f:{name}")), shapes),
                    None => value.clone(),
                };
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        (Value::Array(live), Value::Array(config), Some(shape)) => {
            Value::Array(merge_lists(live, config, shape, path, shapes))
        }
        _ => config.clone(),
    }
}

/// The configuration's elements in its order; what only the object has stays before the element that it stood before.
fn merge_lists(
    live: &[Value],
    config: &[Value],
    shape: Shape,
    path: &str,
    shapes: Shapes,
) -> Vec<Value> {
    let path = format!("{path}[]");
    let wanted: HashSet<String> = config
        .iter()
        .filter_map(|item| element(shape, item))
        .collect();
    let places: HashMap<String, usize> = live
        .iter()
        .enumerate()
        .filter_map(|(place, item)| Some((element(shape, item)?, place)))
        .collect();
    let only_live = |from: usize, to: usize| {
        live.iter()
            .take(to)
            .skip(from)
            .filter(|item| element(shape, item).is_none_or(|name| !wanted.contains(&name)))
            .cloned()
    };
    let mut merged = Vec::with_capacity(live.len() + config.len());
    let mut next = 0;
    for item in config {
        let place = element(shape, item).and_then(|name| places.get(&name).copied());
        let found = place.and_then(|place| Some((place, live.get(place)?)));
        let Some((place, found)) = found else {
            merged.push(item.clone());
            continue;
        };
        if place >= next {
            merged.extend(only_live(next, place));
            next = place + 1;
        }
        merged.push(merge_at(found, item, &path, shapes));
    }
    merged.extend(only_live(next, live.len()));
    merged
}

/// The object without some fields.
pub(super) fn remove(value: &Value, fields: &Fields, shapes: Shapes) -> Value {
    remove_at(value, fields, "", shapes)
}

fn remove_at(value: &Value, fields: &Fields, path: &str, shapes: Shapes) -> Value {
    let Parts::Named(parts) = shapes.parts(path, value) else {
        return value.clone();
    };
    let left = parts.into_iter().filter_map(|(name, part)| {
        let left = match fields.part(&name) {
            Some(gone) if gone.is_owned() => return None,
            Some(inner) => remove_at(part, inner, &join(path, &name), shapes),
            None => part.clone(),
        };
        Some((name, left))
    });
    match value {
        Value::Array(_) => left.map(|(_, item)| item).collect(),
        _ => left
            .map(|(name, part)| (name.get(2..).unwrap_or_default().to_owned(), part))
            .collect::<Map<_, _>>()
            .into(),
    }
}
