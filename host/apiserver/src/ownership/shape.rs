//! Which values are owned in parts and which as a whole.

use serde_json::Value;

/// How a list or an object is owned where it is not as usual: objects field by field, lists as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As a whole.
    Atomic,
    /// A list of plain values, each by itself.
    Set,
    /// A list of objects, told apart by this field.
    Keyed(&'static str),
}

/// Every kind's metadata. An element of a list has the list's path and `[]`.
const METADATA: &[(&str, Shape)] = &[
    ("metadata.ownerReferences", Shape::Keyed("uid")),
    ("metadata.ownerReferences[]", Shape::Atomic),
    ("metadata.finalizers", Shape::Set),
];

/// The shapes of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shapes(
    /// Paths, fields joined by dots, and how what is there is owned.
    ///
    /// Source: the `listType`, `listMapKey`, `structType` and `mapType` markers of Kubernetes' API types.
    pub(crate) &'static [(&'static str, Shape)],
);

/// A part of an object, seen as the parts that are owned by themselves.
pub(super) enum Parts<'a> {
    /// It is owned as a whole.
    Whole,
    /// Each part with its name; lists in order.
    Named(Vec<(String, &'a Value)>),
}

impl Shapes {
    pub(super) fn at(self, path: &str) -> Option<Shape> {
        METADATA
            .iter()
            .chain(self.0)
            .find(|(place, _)| *place == path)
            .map(|(_, shape)| *shape)
    }

    /// The parts of a value. An empty list or object is owned as a whole: there is nothing else to own.
    pub(super) fn parts<'a>(self, path: &str, value: &'a Value) -> Parts<'a> {
        let shape = self.at(path);
        match (value, shape) {
            (_, Some(Shape::Atomic)) => Parts::Whole,
            (Value::Object(fields), _) if !fields.is_empty() => Parts::Named(
                fields
                    .iter()
                    .map(|(name, value)| (format!("f:{name}"), value))
                    .collect(),
            ),
            (Value::Array(items), Some(shape)) if !items.is_empty() => items
                .iter()
                .map(|item| Some((element(shape, item)?, item)))
                .collect::<Option<_>>()
                .map_or(Parts::Whole, Parts::Named),
            _ => Parts::Whole,
        }
    }
}

/// The path of a part.
pub(super) fn join(path: &str, part: &str) -> String {
    match part.strip_prefix("f:") {
        Some(name) if path.is_empty() => name.to_owned(),
        Some(name) => format!("{path}.{name}"),
        None => format!("{path}[]"),
    }
}

/// The name of a list's element; none for one that cannot be told from others.
pub(super) fn element(shape: Shape, item: &Value) -> Option<String> {
    match shape {
        Shape::Atomic => None,
        Shape::Set if item.is_object() || item.is_array() => None,
        Shape::Set => Some(format!("v:{item}")),
        Shape::Keyed(key) => {
            let value = item.get(key)?;
            Some(format!("k:{}", serde_json::json!({ key: value })))
        }
    }
}
