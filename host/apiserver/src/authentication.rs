//! Who asks: a client certificate, a bootstrap token, or nobody in particular. A credential that is
//! presented and bad is refused; it never counts as none.

mod bootstrap_token;
mod certificate;
mod credentials;
mod identity;
mod impersonation;
mod ledger;
mod projection;
mod reviews;
#[cfg(test)]
pub(crate) mod testing;
mod tokens;

pub(crate) use certificate::user_from_certificate;
pub(crate) use credentials::Credentials;
pub use identity::UserInfo;
pub(crate) use identity::{
    ANONYMOUS, AUTHENTICATED, BOOTSTRAPPERS, CREDENTIAL_ID, MASTERS, SERVICE_ACCOUNT_PREFIX,
    UNAUTHENTICATED,
};
pub(crate) use impersonation::impersonate;
pub(crate) use projection::Projection;
pub use projection::ProjectionError;
pub(crate) use reviews::{SelfSubjectReviews, TokenReviews};
pub use tokens::TokenBackend;
pub(crate) use tokens::{SECRETS, Tokens, secret_data};
