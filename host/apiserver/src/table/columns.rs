//! What a kind's table looks like.

use jiff::Timestamp;
use serde_json::Value;

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
    pub(crate) name: &'static str,
    /// The type of the cells: `string`, `integer`, `date`.
    pub(crate) kind: &'static str,
    /// 0 is always shown; 1 with `-o wide` only.
    pub(crate) priority: u8,
}

/// Name and age: what is shown of a kind without columns of its own.
pub(crate) const NAME_AND_AGE: Columns = Columns {
    columns: &[
        Column {
            name: "Name",
            kind: "string",
            priority: 0,
        },
        Column {
            name: "Age",
            kind: "string",
            priority: 0,
        },
    ],
    cells: |object, _now| vec![object.name().into(), Value::Null],
};
