//! The rules of single kinds: what the server sets, what is valid, what may change, and who may do so.

mod certificate_request;
mod config_map;
mod data;
mod fairness;
mod lease;
mod node;
mod pending;
pub(crate) mod roles;
mod secret;
mod violation;

pub use fairness::RequestLimits;
pub(crate) use violation::Violation;

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use slipway_plugin::TokenStore;

use self::certificate_request::CertificateRequests;
use crate::authorization::{UnionAuthorizer, resources};
use crate::resource::{Change, Context, Object, Rules, keep_other_half};
use crate::status::Status;
use crate::store::Store;

/// The rules of all kinds that are served.
pub(crate) struct KindRules {
    authorizer: UnionAuthorizer,
    requests: CertificateRequests,
    /// Where bootstrap tokens are kept, if not in their Secrets.
    tokens: Option<Arc<dyn TokenStore>>,
}

impl KindRules {
    pub(crate) fn new(
        store: Store,
        authorizer: UnionAuthorizer,
        limits: RequestLimits,
        tokens: Option<Arc<dyn TokenStore>>,
    ) -> Self {
        Self {
            requests: CertificateRequests::new(store, authorizer.clone(), limits),
            authorizer,
            tokens,
        }
    }
}

#[async_trait]
impl Rules for KindRules {
    async fn admit(
        &self,
        old: Option<&Object>,
        new: Object,
        context: &Context,
    ) -> Result<Object, Status> {
        match (context.resource.group, context.resource.plural) {
            (resources::CERTIFICATES, resources::REQUESTS) => {
                self.requests.admit(old, new, context)
            }
            ("", "nodes") => node::admit(old, new, context),
            (resources::COORDINATION, "leases") => lease::admit(new, context),
            ("", "configmaps") => config_map::admit(old, new, context),
            ("", "secrets") => secret::admit(old, new, context),
            (resources::RBAC, "roles" | "clusterroles") => {
                roles::admit_role(&self.authorizer, old, new, context)
            }
            (resources::RBAC, _) => roles::admit_binding(&self.authorizer, old, new, context),
            _ => {
                let mut new = new;
                if let Some(old) = old {
                    keep_other_half(old, &mut new, context);
                }
                Ok(new)
            }
        }
    }

    async fn before_commit(&self, change: Change<'_>, context: &Context) -> Result<(), Status> {
        match (
            &self.tokens,
            context.resource.group,
            context.resource.plural,
        ) {
            (Some(tokens), "", "secrets") => {
                secret::write_through(tokens.as_ref(), change, context).await
            }
            _ => Ok(()),
        }
    }
}

/// Runs a rule on the typed objects.
fn typed<T, F>(old: Option<&Object>, new: &Object, rule: F) -> Result<Object, Status>
where
    T: DeserializeOwned + Serialize,
    F: FnOnce(Option<&T>, &mut T) -> Result<(), Status>,
{
    let old = old.map(read).transpose()?;
    let mut new = read(new)?;
    rule(old.as_ref(), &mut new)?;
    Object::from_typed(&new).map_err(Status::internal)
}

/// The typed form of an object that has been read as its kind before.
fn read<T: DeserializeOwned>(object: &Object) -> Result<T, Status> {
    // The parser's words would repeat values, and the object may be a Secret.
    object.to_typed().map_err(|_| {
        Status::internal(format!(
            "object {:?} cannot be read as its kind",
            object.name()
        ))
    })
}

/// Nothing, where nothing is wrong.
fn valid(violations: &[Violation], name: Option<&str>, context: &Context) -> Result<(), Status> {
    if violations.is_empty() {
        return Ok(());
    }
    let kind = context.resource.group_kind();
    Err(Status::invalid(&kind, name.unwrap_or_default(), violations))
}

/// A refusal of this write.
fn forbidden(context: &Context, name: Option<&str>, why: &str) -> Status {
    let resource = context.resource.group_resource();
    Status::forbidden(&resource, name.unwrap_or_default(), why)
}

#[cfg(test)]
mod tests;
