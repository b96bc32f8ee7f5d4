//! JSON in which a field may stand twice: the last one counts, and the others are told of.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The value of a text, and which fields stand in it more than once, in words.
///
/// # Errors
/// When the text is no JSON.
pub(crate) fn parse(json: &[u8]) -> Result<(Value, Vec<String>), serde_json::Error> {
    let mut found = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = At {
        path: String::new(),
        found: &mut found,
    };
    let value = value.deserialize(&mut deserializer)?;
    deserializer.end()?;
    let flaws = found.iter().map(|path| format!("duplicate field {path:?}"));
    Ok((value, flaws.collect()))
}

/// A value at a path.
struct At<'a> {
    path: String,
    found: &'a mut Vec<String>,
}

impl At<'_> {
    fn field(&mut self, name: &str) -> At<'_> {
        let path = match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        self.inner(path)
    }

    fn item(&mut self, index: usize) -> At<'_> {
        let path = format!("{}[{index}]", self.path);
        self.inner(path)
    }

    fn inner(&mut self, path: String) -> At<'_> {
        At {
            path,
            found: self.found,
        }
    }
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self.item(values.len()))? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let at = self.field(&name);
            let path = at.path.clone();
            let value = fields.next_value_seed(at)?;
            if values.insert(name, value).is_some() && !self.found.contains(&path) {
                self.found.push(path);
            }
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn what_stands_twice_is_named_once_and_the_last_counts() {
        let text = br#"{"a": 1, "b": [{"c": {"d": 1, "d": 2, "d": null}}, -1.5], "a": "x", "e": {"a": true}}"#;
        let (value, found) = parse(text).unwrap();
        let expected = json!({"a": "x", "b": [{"c": {"d": null}}, -1.5], "e": {"a": true}});
        assert_eq!(value, expected);
        assert_eq!(
            found,
            ["duplicate field \"b[0].c.d\"", "duplicate field \"a\""]
        );
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for wrong in ["", "{", "{} {}", "{\"a\": 1,}", &"[".repeat(1000)] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
