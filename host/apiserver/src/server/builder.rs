//! How a server is put together.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::defaults::{self, DefaultsError};
use super::{Api, ApiServer};
use crate::authentication::{
    Credentials, Projection, ProjectionError, SelfSubjectReviews, TokenBackend, TokenReviews,
    Tokens,
};
use crate::authorization::{
    LocalSubjectAccessReviews, SelfSubjectAccessReviews, SelfSubjectRulesReviews,
    SubjectAccessReviews, UnionAuthorizer, resources,
};
use crate::discovery::{Metrics, OpenApi};
use crate::resource::{Registry, Reviews};
use crate::store::Store;
use crate::strategy::{KindRules, RequestLimits};

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Puts a server together.
pub struct ApiServerBuilder {
    store: Store,
    clock: Clock,
    tokens: TokenBackend,
    limits: RequestLimits,
    metrics: Option<Metrics>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// What every server has could not be made.
    #[error(transparent)]
    Defaults(#[from] DefaultsError),
    /// The Secrets could not be made like the token store.
    #[error("the bootstrap tokens could not be taken over from the token store")]
    Tokens(#[from] ProjectionError),
}

impl ApiServerBuilder {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            clock: Arc::new(Timestamp::now),
            tokens: TokenBackend::default(),
            limits: RequestLimits::default(),
            metrics: None,
        }
    }

    /// Another clock than the system's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Who is right about bootstrap tokens; their Secrets unless told otherwise.
    #[must_use]
    pub fn tokens(mut self, tokens: TokenBackend) -> Self {
        self.tokens = tokens;
        self
    }

    /// Other bounds on the certificate signing requests of one requester.
    #[must_use]
    pub fn request_limits(mut self, limits: RequestLimits) -> Self {
        self.limits = limits;
        self
    }

    /// What `/metrics` answers; unless told otherwise there is no such path.
    #[must_use]
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// The server, with the namespaces, roles and bindings that every server has, and with the tokens of
    /// the token store.
    ///
    /// # Errors
    /// When they cannot be made.
    pub async fn build(self) -> Result<ApiServer, StartError> {
        let store = self.store;
        let authorizer = UnionAuthorizer::new(store.clone());
        let tokens = Tokens::new(self.tokens.clone(), store.clone());
        let credentials = Arc::new(Credentials::new(tokens, Arc::clone(&self.clock)));
        let plugin = match self.tokens {
            TokenBackend::Native => None,
            TokenBackend::Plugin(plugin) => Some(plugin),
        };
        let server = ApiServer {
            api: Arc::new(Api {
                registry: Registry::new(reviews(&authorizer, &credentials)),
                openapi: OpenApi::default(),
                metrics: self.metrics,
                clock: self.clock,
                authenticator: credentials,
                rules: Arc::new(KindRules::new(
                    store.clone(),
                    authorizer.clone(),
                    self.limits,
                    plugin.clone(),
                )),
                authorizer: Arc::new(authorizer),
                projection: plugin.map(|plugin| Projection::new(plugin, store.clone())),
                store,
            }),
        };
        defaults::ensure(&server).await?;
        if let Some(projection) = &server.api.projection {
            projection.settle().await?;
        }
        Ok(server)
    }
}

fn reviews(authorizer: &UnionAuthorizer, credentials: &Arc<Credentials>) -> Reviews {
    let authorizer = || authorizer.clone();
    let mut reviews = Reviews::new();
    let mut serve = |group, plural, review| reviews.insert((group, plural), review);
    serve(
        resources::AUTHENTICATION,
        "selfsubjectreviews",
        Arc::new(SelfSubjectReviews),
    );
    serve(
        resources::AUTHENTICATION,
        "tokenreviews",
        Arc::new(TokenReviews(Arc::clone(credentials))),
    );
    serve(
        resources::AUTHORIZATION,
        "subjectaccessreviews",
        Arc::new(SubjectAccessReviews(authorizer())),
    );
    serve(
        resources::AUTHORIZATION,
        "localsubjectaccessreviews",
        Arc::new(LocalSubjectAccessReviews(authorizer())),
    );
    serve(
        resources::AUTHORIZATION,
        "selfsubjectaccessreviews",
        Arc::new(SelfSubjectAccessReviews(authorizer())),
    );
    serve(
        resources::AUTHORIZATION,
        "selfsubjectrulesreviews",
        Arc::new(SelfSubjectRulesReviews(authorizer())),
    );
    reviews
}

impl fmt::Debug for ApiServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiServerBuilder")
            .field("tokens", &self.tokens)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
