//! What a kind's table looks like.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::resource::Object;

/// The columns of a kind.
#[derive(Debug)]
pub(crate) struct Columns {
    /// Their headings, in order.
    pub(crate) columns: &'static [Column],
    /// The cells of an object, one a column, as seen at this moment.
    pub(crate) cells: fn(&Object, Timestamp) -> Vec<Value>,
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The heading, as `kubectl` upper-cases it.
    name: &'static str,
    /// The type of the cells: `string`, `integer`, `date`.
    kind: &'static str,
    /// 0 is always shown; 1 with `-o wide` only.
    priority: u8,
}

impl Column {
    /// A column of texts.
    pub(crate) const fn text(name: &'static str) -> Self {
        Self {
            name,
            kind: "string",
            priority: 0,
        }
    }

    /// A column of numbers.
    pub(crate) const fn number(name: &'static str) -> Self {
        Self {
            name,
            kind: "integer",
            priority: 0,
        }
    }

    /// A column of times, which `kubectl` shows as they are.
    pub(crate) const fn date(name: &'static str) -> Self {
        Self {
            name,
            kind: "date",
            priority: 0,
        }
    }

    /// The same, with `-o wide` only.
    pub(crate) const fn wide(mut self) -> Self {
        self.priority = 1;
        self
    }

    /// As the API has it.
    pub(crate) fn to_api(self) -> Value {
        // The name's column is told by its format.
        let format = if self.name == "Name" { "name" } else { "" };
        json!({
            "name": self.name,
            "type": self.kind,
            "format": format,
            "description": self.name,
            "priority": self.priority,
        })
    }
}
