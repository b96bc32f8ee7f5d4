//! A JSON Schema as a list for people.

use serde_json::Value;

/// Every setting, with what may be in it.
pub(crate) fn listed(schema: &Value) -> String {
    let mut list = String::new();
    properties(schema, schema, 0, &mut list);
    list
}

fn properties(root: &Value, object: &Value, depth: usize, list: &mut String) {
    let required: Vec<&str> = object["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, property) in object["properties"].as_object().into_iter().flatten() {
        let is_required = required.contains(&name.as_str());
        let kind = kind(root, property);
        let needed = if is_required { ", required" } else { "" };
        let default = default(root, property);
        let text = described(property);
        item(
            depth,
            &format!("`{name}` ({kind}{needed}{default}): {text}"),
            list,
        );
        inside(root, property, depth + 1, list);
    }
}

/// What a value consists of, where it has a form of its own.
fn inside(root: &Value, property: &Value, depth: usize, list: &mut String) {
    let meant = meant(root, property);
    if let Some(items) = meant.get("items") {
        return inside(root, items, depth, list);
    }
    if let Some(choices) = meant["oneOf"].as_array() {
        return choices
            .iter()
            .for_each(|choice| one_choice(root, choice, depth, list));
    }
    properties(root, meant, depth, list);
}

/// A choice is a word, or a word with something to it.
fn one_choice(root: &Value, choice: &Value, depth: usize, list: &mut String) {
    if let Some(word) = choice["const"].as_str() {
        return item(depth, &format!("`{word}`: {}", described(choice)), list);
    }
    for word in choice["enum"].as_array().into_iter().flatten() {
        item(
            depth,
            &format!("`{}`", word.as_str().unwrap_or_default()),
            list,
        );
    }
    for (name, property) in choice["properties"].as_object().into_iter().flatten() {
        let text = described(choice);
        item(
            depth,
            &format!("`{name}` ({}): {text}", kind(root, property)),
            list,
        );
        inside(root, property, depth + 1, list);
    }
}

/// The type in a word or two.
fn kind(root: &Value, property: &Value) -> String {
    let meant = meant(root, property);
    if meant.get("oneOf").is_some() {
        return "one of".to_owned();
    }
    let name = match &meant["type"] {
        Value::Array(types) => types
            .iter()
            .find_map(|name| name.as_str().filter(|name| *name != "null")),
        name => name.as_str(),
    };
    match name {
        Some("array") => format!("list of {}", plural(&kind(root, &meant["items"]))),
        Some("string") => "text".to_owned(),
        Some("integer" | "number") => "number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        _ => "object".to_owned(),
    }
}

fn plural(kind: &str) -> String {
    format!("{kind}s")
}

/// Of words and numbers only: that lists are empty where nothing is said goes without saying.
fn default(root: &Value, property: &Value) -> String {
    let default = match &property["default"] {
        Value::Null => &meant(root, property)["default"],
        default => default,
    };
    match default {
        Value::String(word) => format!(", `{word}` unless given"),
        Value::Number(number) => format!(", {number} unless given"),
        _ => String::new(),
    }
}

/// The schema behind references and what may be null.
fn meant<'a>(root: &'a Value, property: &'a Value) -> &'a Value {
    if let Some(reference) = property["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        return meant(root, root.pointer(pointer).expect("a definition"));
    }
    let parts = property["anyOf"]
        .as_array()
        .or(property["allOf"].as_array());
    let part = parts.and_then(|parts| parts.iter().find(|part| part["type"] != "null"));
    part.map_or(property, |part| meant(root, part))
}

fn described(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn item(depth: usize, text: &str, list: &mut String) {
    let text = text.trim_end().trim_end_matches(':');
    list.push_str(&format!("{}- {text}\n", "  ".repeat(depth)));
}
