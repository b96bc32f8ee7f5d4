//! Sets of fields, as `fieldsV1` writes them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A set of fields: whether the place itself is in it, and which parts of it are. Parts are named as in `fieldsV1`: `f:` and
/// a field, `k:` and the key of a list's element, `v:` and the value of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    owned: bool,
    parts: BTreeMap<String, Fields>,
}

impl Fields {
    /// The place itself.
    pub(super) fn place() -> Self {
        Self {
            owned: true,
            parts: BTreeMap::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.owned && self.parts.values().all(Self::is_empty)
    }

    pub(super) fn is_owned(&self) -> bool {
        self.owned
    }

    /// Marks the place itself.
    pub(super) fn own(&mut self) {
        self.owned = true;
    }

    pub(super) fn part(&self, name: &str) -> Option<&Self> {
        self.parts.get(name)
    }

    /// Adds a part; an empty one adds nothing.
    pub(super) fn insert(&mut self, name: &str, part: Self) {
        if !part.is_empty() {
            self.parts.entry(name.to_owned()).or_default().add(part);
        }
    }

    /// The set with everything that is in the other one, too.
    #[must_use]
    pub(super) fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.add(other.clone());
        all
    }

    fn add(&mut self, other: Self) {
        self.owned |= other.owned;
        for (name, part) in other.parts {
            self.parts.entry(name).or_default().add(part);
        }
    }

    /// What is in this set and not in the other one.
    #[must_use]
    pub(super) fn difference(&self, other: &Self) -> Self {
        self.combine(other, |one, other| one && !other, Self::clone)
    }

    /// What is in both.
    #[must_use]
    pub(super) fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |one, other| one && other, |_| Self::default())
    }

    fn combine(
        &self,
        other: &Self,
        owned: fn(bool, bool) -> bool,
        alone: fn(&Self) -> Self,
    ) -> Self {
        let mut result = Self {
            owned: owned(self.owned, other.owned),
            parts: BTreeMap::new(),
        };
        for (name, part) in &self.parts {
            let combined = match other.parts.get(name) {
                Some(other) => part.combine(other, owned, alone),
                None => alone(part),
            };
            if !combined.is_empty() {
                result.parts.insert(name.clone(), combined);
            }
        }
        result
    }

    /// What is left without some places and everything in them: fields joined by dots.
    #[must_use]
    pub(super) fn without(mut self, places: &[&str]) -> Self {
        for place in places {
            self.remove(place);
        }
        self
    }

    fn remove(&mut self, place: &str) {
        let (first, rest) = match place.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (place, None),
        };
        let name = format!("f:{first}");
        match (rest, self.parts.get_mut(&name)) {
            (Some(rest), Some(part)) => {
                part.remove(rest);
                if part.is_empty() {
                    self.parts.remove(&name);
                }
            }
            (None, Some(_)) => {
                self.parts.remove(&name);
            }
            (_, None) => {}
        }
    }

    /// What is left without a part's place; what is in the part stays.
    #[must_use]
    pub(super) fn without_place(mut self, name: &str) -> Self {
        if let Some(part) = self.parts.get_mut(name) {
            part.owned = false;
            if part.is_empty() {
                self.parts.remove(name);
            }
        }
        self
    }

    /// The set with the fields around everything in it. So that a field goes with the last that was in it.
    #[must_use]
    pub(super) fn with_holders(&self) -> Self {
        Self {
            owned: self.owned,
            parts: self
                .parts
                .iter()
                .map(|(name, part)| {
                    let mut part = part.with_holders();
                    part.owned |= name.starts_with("f:") && !part.parts.is_empty();
                    (name.clone(), part)
                })
                .collect(),
        }
    }

    /// Every place in the set, as messages name it: `.status.conditions[type="Ready"].status`.
    pub(super) fn places(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.collect_places("", &mut found);
        found
    }

    fn collect_places(&self, path: &str, found: &mut Vec<String>) {
        if self.owned {
            found.push(path.to_owned());
        }
        for (name, part) in &self.parts {
            part.collect_places(&format!("{path}{}", readable(name)), found);
        }
    }

    /// As `fieldsV1` writes it.
    pub(super) fn to_json(&self) -> Value {
        let mut json = Map::new();
        // A place of which no part is in the set needs no mark.
        if self.owned && !self.parts.is_empty() {
            json.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for (name, part) in &self.parts {
            json.insert(name.clone(), part.to_json());
        }
        Value::Object(json)
    }

    /// From what `fieldsV1` says; none where it is no set of fields.
    pub(super) fn from_json(json: &Value) -> Option<Self> {
        let mut set = Self::default();
        for (name, part) in json.as_object()? {
            if name == "." {
                set.owned = true;
                continue;
            }
            let known = ["f:", "k:", "v:", "i:"]
                .iter()
                .any(|kind| name.starts_with(kind));
            if !known {
                return None;
            }
            let mut inner = Self::from_json(part)?;
            inner.owned |= inner.parts.is_empty();
            set.parts.insert(name.clone(), inner);
        }
        Some(set)
    }
}

/// A part's name in a message.
fn readable(name: &str) -> String {
    if let Some(field) = name.strip_prefix("f:") {
        return format!(".{field}");
    }
    let keys = name
        .strip_prefix("k:")
        .and_then(|json| serde_json::from_str::<Map<String, Value>>(json).ok());
    match keys {
        Some(keys) => {
            let keys: Vec<String> = keys
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            format!("[{}]", keys.join(","))
        }
        None => format!("[={}]", name.get(2..).unwrap_or_default()),
    }
}
