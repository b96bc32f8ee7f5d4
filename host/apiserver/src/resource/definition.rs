//! What the server knows of a resource before any object exists.

use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope, Resource};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{GroupKind, GroupResource, NameRule, Object, ObjectError};
use crate::codec::{Message, Protobuf};
use crate::ownership::Shapes;
use crate::patch::Merge;
use crate::table::{self, Columns};

/// A served resource. All of it is constant; what kinds *do* is in [`super::Rules`].
#[derive(Debug)]
pub(crate) struct Definition {
    /// The API group; empty for the core group.
    pub(crate) group: &'static str,
    /// The version.
    pub(crate) version: &'static str,
    /// The kind.
    pub(crate) kind: &'static str,
    /// The plural name, as in paths.
    pub(crate) plural: &'static str,
    /// What `kubectl` also takes.
    pub(crate) short_names: &'static [&'static str],
    /// Whether objects live in a namespace.
    pub(crate) scope: Scope,
    /// The verbs on the resource itself.
    pub(crate) verbs: &'static [&'static str],
    /// The doors to parts of an object.
    pub(crate) subresources: &'static [Subresource],
    /// What the objects' names must look like.
    pub(crate) name_rule: NameRule,
    /// Whether an update must say which state it was made from.
    pub(crate) needs_version: bool,
    /// Whether a delete is answered with the object that was deleted, and not with a `Status`.
    pub(crate) returns_deleted: bool,
    /// Whether an object's values must stay out of error messages.
    pub(crate) confidential: bool,
    /// Paths that a field selector may name, beyond those of `metadata`.
    pub(crate) selectable_fields: &'static [&'static str],
    /// How lists in a strategic merge patch are merged; what is not named is replaced.
    pub(crate) merge: &'static [Merge],
    /// How server-side apply takes the objects apart; what is not named is owned as usual.
    pub(crate) shapes: Shapes,
    /// The columns of a printed table.
    pub(crate) columns: &'static Columns,
    /// Reads and writes an object as its kind: checks types, drops unknown fields.
    pub(crate) normalise: fn(Object) -> Result<Object, ObjectError>,
    /// Its form in protobuf.
    pub(crate) protobuf: Protobuf,
    /// Puts the schema of its objects, and of what they are made of, among the others.
    pub(crate) schema: fn(&mut SchemaGenerator),
}

/// Whether objects live in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One object of a name in the cluster.
    Cluster,
    /// One object of a name in a namespace.
    Namespaced,
}

/// A scope as `k8s-openapi` has it.
pub(super) trait Scoped {
    /// The same as a value.
    const SCOPE: Scope;
}

impl Scoped for ClusterResourceScope {
    const SCOPE: Scope = Scope::Cluster;
}

impl Scoped for NamespaceResourceScope {
    const SCOPE: Scope = Scope::Namespaced;
}

/// A door to a part of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subresource {
    /// What a controller says about the object.
    Status,
    /// A decision about a certificate signing request.
    Approval,
}

/// The verbs of a resource with stored objects.
const STORED: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// The verb of a resource that is a question and not an object.
const VIRTUAL: &[&str] = &["create"];

impl Definition {
    /// A resource whose objects are stored and are `T`: Kubernetes' own names, and nothing special about it.
    pub(super) const fn stored<T>(columns: &'static Columns) -> Self
    where
        T: Resource + Message + JsonSchema + Serialize + DeserializeOwned,
        T::Scope: Scoped,
    {
        Self {
            group: T::GROUP,
            version: T::VERSION,
            kind: T::KIND,
            plural: T::URL_PATH_SEGMENT,
            short_names: &[],
            scope: T::Scope::SCOPE,
            verbs: STORED,
            subresources: &[],
            name_rule: NameRule::Subdomain,
            needs_version: false,
            returns_deleted: false,
            confidential: false,
            selectable_fields: &[],
            merge: &[],
            shapes: Shapes(&[]),
            columns,
            normalise: normalise::<T>,
            protobuf: Protobuf::of::<T>(),
            schema: |generator| {
                generator.subschema_for::<T>();
            },
        }
    }

    /// A resource that is a question, asked as a `T`.
    pub(super) const fn virtual_of<T>() -> Self
    where
        T: Resource + Message + JsonSchema + Serialize + DeserializeOwned,
        T::Scope: Scoped,
    {
        Self {
            verbs: VIRTUAL,
            ..Self::stored::<T>(&table::NAME_ONLY)
        }
    }

    /// The singular name, which is the kind in lower case for every resource of Kubernetes.
    pub(crate) fn singular(&self) -> String {
        self.kind.to_ascii_lowercase()
    }

    /// The resource in its group, for messages.
    pub(crate) fn group_resource(&self) -> GroupResource {
        GroupResource::new(self.group, self.plural)
    }

    /// The kind in its group, for messages.
    pub(crate) fn group_kind(&self) -> GroupKind {
        GroupKind {
            group: self.group,
            kind: self.kind,
        }
    }

    /// Where the store keeps the objects: `group/plural`.
    pub(crate) fn collection(&self) -> String {
        format!("{}/{}", self.group, self.plural)
    }

    /// `v1` or `group/v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Whether objects live in a namespace.
    pub(crate) fn is_namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }

    /// Whether the resource is a question and not an object.
    pub(crate) fn is_virtual(&self) -> bool {
        self.verbs == VIRTUAL
    }
}

impl Subresource {
    /// As in paths.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Approval => "approval",
        }
    }
}

/// An object read and written as `T`.
fn normalise<T: Serialize + DeserializeOwned>(object: Object) -> Result<Object, ObjectError> {
    let typed: T = serde_json::from_value(object.into_value())?;
    Object::from_typed(&typed)
}
