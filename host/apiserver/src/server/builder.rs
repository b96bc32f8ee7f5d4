//! How a server is put together.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::gate::NoCredentials;
use super::{Api, ApiServer, Authorizer};
use crate::authentication::UserInfo;
use crate::authorization::{Attributes, Decision, Ownership, decide, rbac::Policy};
use crate::resource::{NoRules, Registry, Reviews};
use crate::status::Status;
use crate::store::Store;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Puts a server together.
pub struct ApiServerBuilder {
    store: Store,
    clock: Clock,
}

impl ApiServerBuilder {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            clock: Arc::new(Timestamp::now),
        }
    }

    /// Another clock than the system's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The server.
    pub fn build(self) -> ApiServer {
        let registry = Registry::new(Reviews::new());
        ApiServer {
            api: Arc::new(Api {
                store: self.store,
                registry,
                clock: self.clock,
                authenticator: Arc::new(NoCredentials),
                authorizer: Arc::new(BuiltIn),
                rules: Arc::new(NoRules),
            }),
        }
    }
}

impl fmt::Debug for ApiServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiServerBuilder").finish_non_exhaustive()
    }
}

/// What is allowed without any RBAC object.
struct BuiltIn;

#[async_trait]
impl Authorizer for BuiltIn {
    async fn authorize(
        &self,
        user: &UserInfo,
        attributes: &Attributes,
    ) -> Result<Decision, Status> {
        Ok(decide(
            &Policy::default(),
            user,
            attributes,
            Ownership::Unknown,
        ))
    }
}
