//! Where a part of a plugin's entry stands: who knows what is wrong with it does not see the text.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

use super::split::{Chunk, split};
use super::{DocumentKind, Place, options};

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
}

/// Where a part of a plugin's entry stands in the text of a configuration file, as in `settings.rules[0].when`; the nearest
/// thing around it, where it is not there; none where the text does not have the plugin, by its name or by its source.
pub fn position_in_entry(text: &[u8], plugin: &str, path: &str) -> Option<Position> {
    let text = str::from_utf8(text).ok()?.trim_start_matches('\u{feff}');
    let chunks = split(text);
    let chunk = chunks.iter().find(|chunk| has_plugins(chunk))?;
    let document: Node = serde_saphyr::from_str_with_options(chunk.text, options()).ok()?;
    let with = |field: &str| {
        document.fields()?.iter().find_map(|(_, list)| {
            let mut entries = list.value.items()?.iter();
            entries.find(|entry| entry.value.has(field, plugin))
        })
    };
    let entry = with("name").or_else(|| with("source"))?;
    let location = entry.value.follow(path, entry.referenced);
    Some(Position {
        line: chunk.lines_before + location.line().max(1),
        column: location.column().max(1),
    })
}

fn has_plugins(chunk: &Chunk<'_>) -> bool {
    let kind = Place { file: "", chunk }.kind();
    matches!(kind, Ok(Some((DocumentKind::PluginConfiguration, _))))
}

/// A value, and where each part of it stands.
enum Node {
    Fields(Vec<(String, Spanned<Node>)>),
    Items(Vec<Spanned<Node>>),
    Text(String),
    Other,
}

impl Node {
    fn fields(&self) -> Option<&[(String, Spanned<Self>)]> {
        match self {
            Self::Fields(fields) => Some(fields),
            _ => None,
        }
    }

    fn items(&self) -> Option<&[Spanned<Self>]> {
        match self {
            Self::Items(items) => Some(items),
            _ => None,
        }
    }

    fn field(&self, name: &str) -> Option<&Spanned<Self>> {
        let mut fields = self.fields()?.iter();
        Some(&fields.find(|(field, _)| field == name)?.1)
    }

    fn has(&self, field: &str, text: &str) -> bool {
        let value = self.field(field).map(|value| &value.value);
        matches!(value, Some(Self::Text(value)) if value == text)
    }

    /// Where what is at `path` stands; `here` is where this stands.
    fn follow(&self, path: &str, here: Location) -> Location {
        let next = match self {
            Self::Fields(fields) => fields
                .iter()
                .filter_map(|(name, value)| Some((value, after(path, name)?)))
                // Names may have dots in them.
                .min_by_key(|(_, rest)| rest.len()),
            Self::Items(items) => path.strip_prefix('[').and_then(|path| {
                let (index, rest) = path.split_once(']')?;
                Some((items.get(index.parse::<usize>().ok()?)?, rest))
            }),
            Self::Text(_) | Self::Other => None,
        };
        next.map_or(here, |(value, rest)| {
            value.value.follow(rest, value.referenced)
        })
    }
}

/// What of `path` comes after a field's name.
fn after<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let path = path.strip_prefix('.').unwrap_or(path);
    let rest = path.strip_prefix(name)?;
    (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Fields(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::Items(items))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
kind: ClusterConfiguration
apiVersion: kubeadm.k8s.io/v1beta4
---
apiVersion: slipway.dev/v1alpha1
kind: PluginConfiguration
csrApprovers:
- name: approve-renewal
- name: rules
  source: approve-rules
  settings:
    otherwise: deny
    rules:
    - {name: a, when: 'true', then: approve}
    - name: b
      when: >-
        request.nodeName ==
        'b'
      then: approve
      a.b: {c: 1}
";

    fn at(plugin: &str, path: &str) -> Option<(u64, u64)> {
        position_in_entry(TEXT.as_bytes(), plugin, path).map(|place| (place.line, place.column))
    }

    #[test]
    fn a_part_is_found_where_it_stands() {
        assert_eq!(at("rules", "source"), Some((9, 11)));
        assert_eq!(at("approve-rules", "source"), Some((9, 11)));
        assert_eq!(at("rules", "settings.otherwise"), Some((11, 16)));
        assert_eq!(at("rules", "settings.rules[0].when"), Some((13, 23)));
        assert_eq!(at("rules", "settings.rules[1].then"), Some((18, 13)));
        assert_eq!(at("rules", "settings.rules[1].when"), Some((16, 9)));
        assert_eq!(at("rules", "settings.rules[1].a.b.c"), Some((19, 16)));
    }

    #[test]
    fn what_is_not_there_is_found_by_what_is_around_it() {
        assert_eq!(at("rules", "settings.rules[1].message"), Some((14, 7)));
        assert_eq!(at("rules", "settings.rules[7].when"), Some((13, 7)));
        assert_eq!(at("rules", "settings"), Some((11, 5)));
        assert_eq!(at("approve-renewal", "settings.names"), Some((7, 3)));
        assert_eq!(at("another", "settings"), None);
        assert_eq!(position_in_entry(b"{", "rules", ""), None);
    }
}
