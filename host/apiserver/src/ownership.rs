//! Who owns which fields: server-side apply, and `metadata.managedFields`.
//!
//! An applied configuration is merged into the object; what its manager applied before and no longer does is removed; a
//! field that another manager owns and that would change is a conflict. Pure: values in, values out.
//!
//! An object is tracked from the first time that somebody applies to it: most objects of a bootstrap never are, and would be
//! twice as large. What was there before belongs to `before-first-apply` then.
//!
//! Source: `sigs.k8s.io/structured-merge-diff` (`merge/update.go`, `typed`, `fieldpath`) and
//! `k8s.io/apimachinery/pkg/util/managedfields/internal`.

mod apply;
mod comparison;
mod conflict;
mod fields;
mod managers;
mod merge;
mod shape;

pub(crate) use apply::{Applied, Configuration, apply, updated};
pub(crate) use conflict::Conflicts;
pub(crate) use managers::{Manager, Operation};
pub(crate) use shape::{Shape, Shapes};

#[cfg(test)]
mod tests;
