//! Patches: JSON patch, JSON merge patch, strategic merge patch.

mod merge_schema;

pub(crate) use merge_schema::{Merge, MergeBy};
