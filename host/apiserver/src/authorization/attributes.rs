//! What a request wants to do, as authorizers see it.

use std::fmt;

/// A verb on a target. All text is as the request spelled it; nothing is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Kubernetes' verb: `get`, `list`, `create`, `approve`, … or the lower-case HTTP method for a path.
    pub verb: String,
    /// What the verb is about.
    pub target: Target,
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An API resource.
    Resource(ResourceTarget),
    /// Any other path, such as `/healthz`.
    Path(String),
}

/// An API resource, or one object of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceTarget {
    /// The API group; empty for the core group.
    pub group: String,
    /// The plural resource name.
    pub resource: String,
    /// The subresource; empty for the object itself.
    pub subresource: String,
    /// The namespace; empty for cluster-wide resources and for requests across namespaces.
    pub namespace: String,
    /// The object's name; empty on create, and on lists without a field selector on `metadata.name`.
    pub name: String,
}

impl Attributes {
    /// A verb on a resource.
    pub fn resource(verb: &str, target: ResourceTarget) -> Self {
        Self {
            verb: verb.to_owned(),
            target: Target::Resource(target),
        }
    }

    /// A verb on a path that is no API resource.
    pub fn path(verb: &str, path: &str) -> Self {
        Self {
            verb: verb.to_owned(),
            target: Target::Path(path.to_owned()),
        }
    }
}

impl ResourceTarget {
    /// A cluster-wide resource in a group.
    pub fn new(group: &str, resource: &str) -> Self {
        Self {
            group: group.to_owned(),
            resource: resource.to_owned(),
            ..Self::default()
        }
    }

    /// The same, for one object.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// The same, in a namespace.
    #[must_use]
    pub fn within(mut self, namespace: &str) -> Self {
        self.namespace = namespace.to_owned();
        self
    }

    /// The same, for a subresource.
    #[must_use]
    pub fn subresource(mut self, subresource: &str) -> Self {
        self.subresource = subresource.to_owned();
        self
    }

    /// `resource` or `resource/subresource`, as a rule spells it.
    pub fn combined(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    /// Whether this is the resource (and subresource) in the group.
    pub fn is(&self, group: &str, resource: &str, subresource: &str) -> bool {
        self.group == group && self.resource == resource && self.subresource == subresource
    }
}

impl fmt::Display for Attributes {
    /// The words of a "forbidden" message: `cannot list resource "secrets" in API group "" …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = &self.verb;
        match &self.target {
            Target::Path(path) => write!(f, "cannot {verb} path {path:?}"),
            Target::Resource(target) => {
                write!(
                    f,
                    "cannot {verb} resource {:?} in API group {:?}",
                    target.combined(),
                    target.group
                )?;
                if target.namespace.is_empty() {
                    write!(f, " at the cluster scope")
                } else {
                    write!(f, " in the namespace {:?}", target.namespace)
                }
            }
        }
    }
}
