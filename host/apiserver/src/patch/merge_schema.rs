//! Which lists of a kind a strategic merge patch merges, and how.
//!
//! Source: the `patchStrategy` and `patchMergeKey` tags of Kubernetes' API types.

/// A list that is merged, not replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Merge {
    /// Where the list is: field names joined by dots, such as `status.conditions`.
    pub(crate) path: &'static str,
    /// How its elements are told apart.
    pub(crate) by: MergeBy,
}

/// How the elements of a merged list are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MergeBy {
    /// Objects, by the value of this field.
    Key(&'static str),
    /// Plain values, by themselves.
    Value,
}

/// The merged lists that every kind's metadata has.
pub(crate) const METADATA: &[Merge] = &[
    Merge {
        path: "metadata.ownerReferences",
        by: MergeBy::Key("uid"),
    },
    Merge {
        path: "metadata.finalizers",
        by: MergeBy::Value,
    },
];
