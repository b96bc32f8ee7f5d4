//! Who asks: a client certificate, a bootstrap token, or nobody in particular. A credential that is
//! presented and bad is refused; it never counts as none.

mod certificate;
mod identity;

pub use certificate::user_from_certificate;
pub use identity::{
    ANONYMOUS, AUTHENTICATED, BOOTSTRAP_PREFIX, BOOTSTRAPPERS, CREDENTIAL_ID, MASTERS, NODE_PREFIX,
    NODES, SERVICE_ACCOUNT_PREFIX, UNAUTHENTICATED, UserInfo,
};
