//! Who asks, and whether they may: the two questions before any handler.

use async_trait::async_trait;
use http::request::Parts;
use tokio_util::sync::CancellationToken;

use crate::authentication::UserInfo;
use crate::authorization::{Attributes, Decision};
use crate::status::Status;

/// Finds out who sends a request.
#[async_trait]
pub(crate) trait Authenticator: Send + Sync {
    /// The identity behind the request's credentials; anonymous where there are none.
    ///
    /// # Errors
    /// 401 for a credential that proves nothing.
    async fn authenticate(&self, request: &Parts) -> Result<UserInfo, Status>;
}

/// Decides whether an identity may do something.
#[async_trait]
pub(crate) trait Authorizer: Send + Sync {
    /// The decision. Anything but [`Decision::Allow`] refuses the request.
    ///
    /// # Errors
    /// When it cannot be decided; the request is refused then, too.
    async fn authorize(&self, user: &UserInfo, attributes: &Attributes)
    -> Result<Decision, Status>;
}

/// The identity of a request from inside this process. Only [`crate::ApiServer::client`] sets it.
#[derive(Clone, Debug)]
pub(super) struct InProcess(pub(super) UserInfo);

/// The end of the connection that a request came over: what lasts has to end with it.
#[derive(Clone, Debug)]
pub(crate) struct Closing(pub(crate) CancellationToken);
