//! YAML as far as configuration needs it: one document of maps, lists and plain values. Small in a component, unlike a
//! whole YAML library with serde.
//!
//! What can surprise is refused: aliases, tags, keys that are not text, a key twice, deep nesting. JSON is
//! YAML, so it is read as well.

use std::borrow::Cow;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};
use thiserror::Error;

use crate::settings;

/// Deepest nesting that is read.
const DEPTH: usize = 32;

/// Reads a document.
///
/// # Errors
/// It is not YAML that is read here, or not what `T` expects.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    settings::parse(parse(text)?).map_err(|error| YamlError::Unexpected(error.to_string()))
}

/// Reads a document as a value.
///
/// # Errors
/// It is not YAML that is read here.
pub fn parse(text: &str) -> Result<Value, YamlError> {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
    };
    let mut document = None;
    loop {
        let (event, place) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::StreamEnd => return Ok(document.unwrap_or_default()),
            _ if document.is_some() => return Err(refused(&place, "a second document")),
            event => document = Some(reader.value(event, &place, 0)?),
        }
    }
}

/// Why a text is not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum YamlError {
    /// It is not YAML.
    #[error("it is not YAML: {0}")]
    Syntax(String),
    /// It uses something that is not read here.
    #[error("line {line}, column {column}: {what} is not read here")]
    Refused {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What it uses.
        what: String,
    },
    /// It is YAML of another form; the text names the place.
    #[error("{0}")]
    Unexpected(String),
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        loop {
            match self.events.next_event() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => return Err(YamlError::Syntax(error.to_string())),
                None => return Err(YamlError::Syntax("it ends too early".to_owned())),
            }
        }
    }

    fn value(&mut self, event: Event<'a>, place: &Span, depth: usize) -> Result<Value, YamlError> {
        if depth > DEPTH {
            return Err(refused(place, "nesting this deep"));
        }
        match event {
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, _, Some(_))
            | Event::MappingStart(_, _, Some(_)) => Err(refused(place, "a tag")),
            Event::Scalar(text, ScalarStyle::Plain, _, None) => Ok(plain(text)),
            Event::Scalar(text, _, _, None) => Ok(Value::String(text.into_owned())),
            Event::SequenceStart(_, _, None) => self.list(depth),
            Event::MappingStart(_, _, None) => self.map(depth),
            Event::Alias(_) => Err(refused(place, "an alias")),
            _ => Err(refused(place, "this")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, YamlError> {
        let mut values = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::Array(values)),
                (event, place) => values.push(self.value(event, &place, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, YamlError> {
        let mut entries = Map::new();
        loop {
            let (key, key_place) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Object(entries)),
                (Event::Scalar(key, _, _, None), place) => (key.into_owned(), place),
                (_, place) => return Err(refused(&place, "a key that is not a plain text")),
            };
            if key == "<<" {
                return Err(refused(&key_place, "a merge key"));
            }
            if entries.contains_key(&key) {
                return Err(refused(&key_place, &format!("a duplicate key ({key:?})")));
            }
            let (event, place) = self.next()?;
            let value = self.value(event, &place, depth + 1)?;
            entries.insert(key, value);
        }
    }
}

/// A plain scalar, by the core schema of YAML 1.2 (section 10.3.2).
fn plain(text: Cow<'_, str>) -> Value {
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => match number(&text) {
            Some(number) => Value::Number(number),
            None => Value::String(text.into_owned()),
        },
    }
}

fn number(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    let integer = text
        .parse::<u64>()
        .map(Number::from)
        .or_else(|_| text.parse::<i64>().map(Number::from));
    integer
        .ok()
        .or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64))
}

fn refused(place: &Span, what: &str) -> YamlError {
    YamlError::Refused {
        line: place.start.line(),
        column: place.start.col().saturating_add(1),
        what: what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e15..1e15).prop_map(|number: f64| Value::from(number)),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-z0-9 :#'-]{0,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_is_read_as_what_it_is(value in any_value()) {
            prop_assert_eq!(parse(&value.to_string()), Ok(value));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[ -~\n]{0,60}|\\PC{0,40}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn documents_become_values() {
        let text = "# a comment\na: 1\nb: [x, 'true', true, ~, -2, 1.5, \"\\u00e9\"]\nc:\n- d: |\n    two\n    lines\n  e: {}\n";
        let value = json!({
            "a": 1,
            "b": ["x", "true", true, null, -2, 1.5, "é"],
            "c": [{"d": "two\nlines\n", "e": {}}],
        });
        assert_eq!(parse(text), Ok(value.clone()));
        assert_eq!(parse(&value.to_string()), Ok(value));
        assert_eq!(parse(""), Ok(Value::Null));
    }

    #[test]
    fn words_that_look_like_numbers_or_names_stay_text() {
        for text in [
            "nan",
            "inf",
            "e5",
            "10.0.0.1",
            "v1",
            "https://10.0.0.1:6443",
            "1e",
            "0x1f",
        ] {
            assert_eq!(parse(text), Ok(Value::String(text.to_owned())));
        }
    }

    #[test]
    fn what_can_surprise_is_refused_with_its_place() {
        for (text, what) in [
            ("a: &x 1\nb: *x\n", "line 2, column 4: an alias"),
            ("a: !!str 1\n", "a tag"),
            (
                "a: 1\nb: 2\na: 3\n",
                "line 3, column 1: a duplicate key (\"a\")",
            ),
            ("[1]: 2\n", "a key that is not a plain text"),
            ("<<: {a: 1}\n", "a merge key"),
            ("a\n---\nb\n", "a second document"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(
                error.ends_with(&format!("{what} is not read here")),
                "{error}"
            );
        }
        let deep = "[".repeat(40) + &"]".repeat(40);
        assert!(
            parse(&deep)
                .unwrap_err()
                .to_string()
                .contains("nesting this deep")
        );
        assert!(matches!(parse("a: [1"), Err(YamlError::Syntax(_))));
    }

    #[test]
    fn another_form_is_named_with_its_place() {
        let error = from_str::<Vec<u8>>("[1, x]").unwrap_err();
        assert_eq!(error.to_string(), "[1]: expected u8, found string \"x\"");
    }
}
