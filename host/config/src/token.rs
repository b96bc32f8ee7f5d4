//! Bootstrap tokens: their IDs, secrets, records and bounds.
//!
//! The form of a token and of the Secret that holds it is Kubernetes' own (`bootstraptokenutil`, and "Authenticating
//! with Bootstrap Tokens" in its reference).

mod bootstrap;
mod bounds;
mod group;
mod id;
mod record;
mod secret;

use crate::duration::GoDuration;

pub use bootstrap::{BootstrapToken, GenerateError, TokenError};
pub use bounds::{BOUNDS_ANNOTATION, BoundsError, TokenBounds};
pub use group::{TokenGroup, TokenGroupError};
pub use id::{TokenId, TokenIdError};
pub use record::{RecordError, TokenRecord, TokenUsages, expiration_of};
pub use secret::{TokenSecret, TokenSecretError};

/// The type of the Secrets that hold bootstrap tokens.
pub const SECRET_TYPE: &str = "bootstrap.kubernetes.io/token";

/// The namespace of the Secrets that hold bootstrap tokens.
pub const SECRET_NAMESPACE: &str = "kube-system";

/// What the name of a Secret with a bootstrap token starts with; the token's ID follows.
pub(crate) const SECRET_NAME_PREFIX: &str = "bootstrap-token-";

/// What the user name of a bootstrap token starts with; the token's ID follows.
pub const USER_PREFIX: &str = "system:bootstrap:";

/// The group of every bootstrap token.
pub const BOOTSTRAPPERS_GROUP: &str = "system:bootstrappers";

/// The group that kubeadm gives its tokens besides, and that its role bindings name.
pub const DEFAULT_NODE_GROUP: &str = "system:bootstrappers:kubeadm:default-node-token";

/// How long a token lives unless told otherwise.
pub(crate) const DEFAULT_TTL: GoDuration = GoDuration::from_hours(24);
