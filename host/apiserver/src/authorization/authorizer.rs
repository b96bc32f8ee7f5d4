//! The union of authorizers over what the store holds.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use super::rbac::Policy;
use super::{Attributes, Decision, Ownership, decide, needs_ownership, resources};
use crate::authentication::UserInfo;
use crate::server::Authorizer;
use crate::status::Status;
use crate::store::{Key, Listing, Part, Scope, Store};

/// Decides about requests. Cheap to clone: clones share their cache.
#[derive(Clone, Debug)]
pub(crate) struct UnionAuthorizer {
    store: Store,
    cached: Arc<Mutex<Option<Cached>>>,
}

/// A policy and the state of the RBAC objects that it was made from.
#[derive(Debug)]
struct Cached {
    state: [CollectionState; 4],
    policy: Arc<Policy>,
}

/// Tells two states of a collection apart: whatever is written gets a new revision, and whatever goes
/// leaves fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CollectionState {
    count: usize,
    newest: u64,
}

const COLLECTIONS: [&str; 4] = [
    "rbac.authorization.k8s.io/clusterroles",
    "rbac.authorization.k8s.io/roles",
    "rbac.authorization.k8s.io/clusterrolebindings",
    "rbac.authorization.k8s.io/rolebindings",
];

impl UnionAuthorizer {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            cached: Arc::default(),
        }
    }

    /// All RBAC objects, as they are now.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub(crate) fn policy(&self) -> Result<Arc<Policy>, Status> {
        let listings = COLLECTIONS.map(|name| self.store.list(&Scope::all(name), Part::ALL));
        let state = listings.each_ref().map(CollectionState::of);
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = cached.as_ref().filter(|cached| cached.state == state) {
            return Ok(Arc::clone(&cached.policy));
        }
        let [cluster_roles, roles, cluster_role_bindings, role_bindings] = &listings;
        let policy = Arc::new(Policy::new(
            objects(cluster_roles)?,
            objects(roles)?,
            objects(cluster_role_bindings)?,
            objects(role_bindings)?,
        ));
        *cached = Some(Cached {
            state,
            policy: Arc::clone(&policy),
        });
        Ok(policy)
    }

    /// Whose request this is, where the decision depends on it.
    fn ownership(&self, user: &UserInfo, attributes: &Attributes) -> Result<Ownership, Status> {
        let Some(name) = needs_ownership(user, attributes) else {
            return Ok(Ownership::Unknown);
        };
        let collection = format!("{}/{}", resources::CERTIFICATES, resources::REQUESTS);
        let Some(record) = self.store.get(&Key::new(&collection, "", name)) else {
            return Ok(Ownership::Absent);
        };
        let request = record.object().map_err(Status::internal)?;
        Ok(if request.text_at(&["spec", "username"]) == user.username {
            Ownership::Own
        } else {
            Ownership::Foreign
        })
    }
}

#[async_trait]
impl Authorizer for UnionAuthorizer {
    async fn authorize(
        &self,
        user: &UserInfo,
        attributes: &Attributes,
    ) -> Result<Decision, Status> {
        let ownership = self.ownership(user, attributes)?;
        Ok(decide(&*self.policy()?, user, attributes, ownership))
    }
}

impl CollectionState {
    fn of(listing: &Listing) -> Self {
        Self {
            count: listing.records.len(),
            newest: listing
                .records
                .iter()
                .map(|record| record.revision)
                .max()
                .unwrap_or(0),
        }
    }
}

fn objects<T: DeserializeOwned>(listing: &Listing) -> Result<Vec<T>, Status> {
    listing
        .records
        .iter()
        .map(|record| {
            serde_json::from_slice(&record.json).map_err(|error| {
                Status::internal(format!("{} cannot be read: {error}", record.key))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::authentication::BOOTSTRAPPERS;
    use crate::authentication::testing::{put, store};
    use crate::authorization::ResourceTarget;

    #[tokio::test]
    async fn a_binding_counts_from_its_write_to_its_change() {
        let store = store().await;
        let authorizer = UnionAuthorizer::new(store.clone());
        let ann = UserInfo::authenticated("ann", ["ops"]);
        let read = Attributes::resource("get", ResourceTarget::new("", "nodes").named("n1"));
        let bind = |name: &str| {
            json!({
                "metadata": {"name": "b"},
                "roleRef": {"apiGroup": resources::RBAC, "kind": "ClusterRole", "name": "reader"},
                "subjects": [{"kind": "User", "name": name}],
            })
        };
        let role = json!({
            "metadata": {"name": "reader"},
            "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["nodes"]}],
        });
        let decide = || authorizer.authorize(&ann, &read);
        assert_eq!(decide().await, Ok(Decision::NoOpinion));
        put(&store, Key::new(COLLECTIONS[0], "", "reader"), role).await;
        assert_eq!(decide().await, Ok(Decision::NoOpinion));
        let binding = Key::new(COLLECTIONS[2], "", "b");
        put(&store, binding.clone(), bind("ann")).await;
        assert!(matches!(decide().await, Ok(Decision::Allow(_))));
        put(&store, binding, bind("ben")).await;
        assert_eq!(decide().await, Ok(Decision::NoOpinion));
    }

    #[tokio::test]
    async fn a_token_sees_its_own_request_and_no_other() {
        let store = store().await;
        let authorizer = UnionAuthorizer::new(store.clone());
        let collection = format!("{}/{}", resources::CERTIFICATES, resources::REQUESTS);
        let request = |requester: &str| json!({"spec": {"username": requester}});
        for (name, requester) in [
            ("own", "system:bootstrap:abcdef"),
            ("other", "system:bootstrap:uvwxyz"),
        ] {
            put(&store, Key::new(&collection, "", name), request(requester)).await;
        }
        let token = UserInfo::authenticated("system:bootstrap:abcdef", [BOOTSTRAPPERS]);
        let get = async |name: &str| {
            let target =
                ResourceTarget::new(resources::CERTIFICATES, resources::REQUESTS).named(name);
            authorizer
                .authorize(&token, &Attributes::resource("get", target))
                .await
                .unwrap()
        };
        assert!(matches!(get("own").await, Decision::Allow(_)));
        assert!(matches!(get("other").await, Decision::Deny(_)));
        assert!(matches!(get("absent").await, Decision::Allow(_)));
    }
}
