//! Bootstrap tokens over the API: their Secrets, and making, listing and deleting them.

mod admin;
mod secrets;

pub use admin::{ListedToken, MOST_USES, NewToken, SourceAddresses, TokenAdmin, TokenAdminError};
pub(crate) use secrets::{SELECTOR, TokenSecret, TokenSecrets, title};
