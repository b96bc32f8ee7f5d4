//! The resources of one server.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::served;
use super::{Definition, Review};

/// What stands behind a resource.
#[derive(Clone)]
pub(crate) enum Served {
    /// Objects in the store.
    Stored(&'static Definition),
    /// A question, and who answers.
    Virtual(&'static Definition, Arc<dyn Review>),
}

impl Served {
    /// What is known of the resource.
    pub(crate) fn definition(&self) -> &'static Definition {
        match self {
            Self::Stored(definition) | Self::Virtual(definition, _) => definition,
        }
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Served").field(self.definition()).finish()
    }
}

/// All resources of a server: few enough to be searched one by one.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    in_order: Vec<Served>,
}

/// Who answers which virtual resource, by group and plural name.
pub(crate) type Reviews = HashMap<(&'static str, &'static str), Arc<dyn Review>>;

impl Registry {
    /// Every stored resource, and the virtual ones that somebody answers.
    pub(crate) fn new(mut reviews: Reviews) -> Self {
        let in_order = served::ALL
            .iter()
            .copied()
            .filter_map(|definition| {
                if !definition.is_virtual() {
                    return Some(Served::Stored(definition));
                }
                let review = reviews.remove(&(definition.group, definition.plural))?;
                Some(Served::Virtual(definition, review))
            })
            .collect();
        Self { in_order }
    }

    /// Namespaces: everything namespaced depends on them.
    pub(crate) fn namespaces() -> &'static Definition {
        &served::NAMESPACES
    }

    /// The resource of a path.
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Served> {
        self.in_order.iter().find(|served| {
            let definition = served.definition();
            (definition.group, definition.version, definition.plural) == (group, version, plural)
        })
    }

    /// Every resource, in the order in which discovery shows them.
    pub(crate) fn definitions(&self) -> impl Iterator<Item = &'static Definition> + '_ {
        self.in_order.iter().map(Served::definition)
    }
}
