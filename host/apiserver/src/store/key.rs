//! Names of objects and of sets of objects inside the store.

use std::fmt;
use std::sync::Arc;

/// One object's place: its collection (`group/plural`), namespace (empty for cluster-wide ones) and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// The collection: API group and plural resource name, joined by a slash.
    pub(crate) collection: Arc<str>,
    /// The namespace; empty for cluster-wide objects.
    pub(crate) namespace: Arc<str>,
    /// The name.
    pub(crate) name: Arc<str>,
}

/// A set of objects: a collection, or the part of it in a namespace, or of one name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    /// The collection.
    pub(crate) collection: Arc<str>,
    /// Only this namespace.
    pub(crate) namespace: Option<Arc<str>>,
    /// Only this name.
    pub(crate) name: Option<Arc<str>>,
}

impl Key {
    /// An object's place.
    pub(crate) fn new(collection: &str, namespace: &str, name: &str) -> Self {
        Self {
            collection: collection.into(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// Reads what `Display` writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '/');
        let (group, plural) = (parts.next()?, parts.next()?);
        let (namespace, name) = (parts.next()?, parts.next()?);
        if plural.is_empty() || name.is_empty() {
            return None;
        }
        Some(Self::new(&format!("{group}/{plural}"), namespace, name))
    }

    /// Every scope that the object is in.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Scope> + '_ {
        let namespaces =
            std::iter::once(None).chain(Some(&self.namespace).filter(|n| !n.is_empty()).map(Some));
        namespaces.flat_map(move |namespace| {
            [None, Some(&self.name)].into_iter().map(move |name| Scope {
                collection: Arc::clone(&self.collection),
                namespace: namespace.cloned(),
                name: name.cloned(),
            })
        })
    }
}

impl fmt::Display for Key {
    /// `group/plural/namespace/name`; no part contains a slash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.collection, self.namespace, self.name)
    }
}

impl Scope {
    /// A whole collection.
    pub(crate) fn all(collection: &str) -> Self {
        Self {
            collection: collection.into(),
            namespace: None,
            name: None,
        }
    }

    /// The part in a namespace.
    #[must_use]
    pub(crate) fn within(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// The part of one name.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Whether it is a whole collection.
    pub(crate) fn is_everything(&self) -> bool {
        self.namespace.is_none() && self.name.is_none()
    }

    /// Whether an object is in it.
    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.collection == key.collection
            && self
                .namespace
                .as_ref()
                .is_none_or(|namespace| *namespace == key.namespace)
            && self.name.as_ref().is_none_or(|name| *name == key.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_what_it_shows() {
        for key in [
            Key::new("/secrets", "kube-system", "s"),
            Key::new("rbac.authorization.k8s.io/clusterroles", "", "system:node"),
        ] {
            assert_eq!(Key::parse(&key.to_string()), Some(key));
        }
        for text in ["", "a", "a/b/c", "a/b/c/", "a//c/d"] {
            assert_eq!(Key::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_scopes_of_a_key_are_those_that_contain_it() {
        let namespaced = Key::new("/secrets", "ns", "s");
        let scopes: Vec<Scope> = namespaced.scopes().collect();
        assert_eq!(scopes.len(), 4);
        assert!(scopes.iter().all(|scope| scope.contains(&namespaced)));
        assert_eq!(Key::new("/nodes", "", "n").scopes().count(), 2);
        assert!(!Scope::all("/secrets").within("other").contains(&namespaced));
        assert!(!Scope::all("/secrets").named("other").contains(&namespaced));
        assert!(!Scope::all("/configmaps").contains(&namespaced));
    }
}
