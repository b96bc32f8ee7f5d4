//! The server: the pipeline that every request goes through, over the network or in-process.

mod builder;
mod defaults;
mod expiry;
mod gate;
mod pipeline;

pub use builder::{ApiServerBuilder, Clock, StartError};
pub use defaults::DefaultsError;
pub(crate) use gate::{Authenticator, Authorizer, Closing};

use std::fmt;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::authentication::{Projection, UserInfo};
use crate::discovery::{Metrics, OpenApi};
use crate::resource::{Registry, Rules};
use crate::serve::{self, ConnectionLimits, ServeError, TlsIdentity};
use crate::store::Store;

use self::gate::InProcess;

pub(crate) use pipeline::Accepted;

/// The embedded API server. Cheap to clone: clones are the same server.
#[derive(Clone)]
pub struct ApiServer {
    api: Arc<Api>,
}

/// What every handler needs.
pub(crate) struct Api {
    /// Where objects are.
    pub(crate) store: Store,
    /// What is served.
    pub(crate) registry: Registry,
    /// What is served, for who wants to know every field.
    pub(crate) openapi: OpenApi,
    /// What is counted, if anything.
    pub(crate) metrics: Option<Metrics>,
    /// What time it is.
    pub(crate) clock: Clock,
    /// Who asks.
    pub(crate) authenticator: Arc<dyn Authenticator>,
    /// Whether they may.
    pub(crate) authorizer: Arc<dyn Authorizer>,
    /// What kinds do beyond being stored.
    pub(crate) rules: Arc<dyn Rules>,
    /// Keeps the Secrets like a plugin's tokens, where a plugin keeps them.
    pub(crate) projection: Option<Projection>,
}

impl ApiServer {
    /// Starts with the defaults, over a store.
    pub fn builder(store: Store) -> ApiServerBuilder {
        ApiServerBuilder::new(store)
    }

    /// The whole API as a service. A request without a [`crate::serve::Peer`] extension has no client certificate.
    pub fn router(&self) -> Router {
        pipeline::router(Arc::clone(&self.api))
    }

    /// A client inside this process, as a named identity. No network and no credential is involved;
    /// authorization is as for everybody. Must be called inside a tokio runtime.
    pub fn client(&self, user: UserInfo) -> kube::Client {
        let router = self.router().layer(axum::Extension(InProcess(user)));
        kube::Client::new(router, "default")
    }

    /// Serves over TLS until `shutdown`; meanwhile keeps the Secrets of bootstrap tokens like the token store, and forgets
    /// old Events.
    ///
    /// # Errors
    /// When the TLS identity cannot be used.
    pub async fn serve(
        &self,
        listener: TcpListener,
        identity: TlsIdentity,
        limits: ConnectionLimits,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        use tower::ServiceExt as _;
        let service = self
            .router()
            .layer(axum::Extension(Closing(shutdown.clone())))
            .map_request(|request: http::Request<hyper::body::Incoming>| {
                request.map(axum::body::Body::new)
            });
        // Ends with the serving, however that ends.
        let meanwhile = shutdown.child_token();
        let stop = meanwhile.clone().drop_guard();
        let serving = async move {
            let served = serve::serve(service, listener, identity, limits, shutdown).await;
            drop(stop);
            served
        };
        let projection = async {
            if let Some(projection) = &self.api.projection {
                projection.run(meanwhile.clone()).await;
            }
        };
        let expiry = expiry::run(&self.api.store, &self.api.clock, meanwhile.clone());
        let (served, (), ()) = tokio::join!(serving, projection, expiry);
        served
    }
}

impl fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiServer").finish_non_exhaustive()
    }
}
