//! What Slipway's own parts agree upon in a cluster: the embedded API writes what the controllers read, and the reverse.

/// The namespace of the token ledgers and the claims on node names. Nobody who bootstraps may write there.
pub const NAMESPACE: &str = "slipway-system";

/// The key of a ledger in the data of its ConfigMap.
pub const LEDGER_KEY: &str = "ledger";

/// The name of the ConfigMap that holds the ledger of the token with this UID.
pub fn ledger_name(token_uid: &str) -> String {
    format!("token-ledger.{token_uid}")
}

/// The key in a user's extra attributes that tells a bootstrap token from an earlier one of the same ID: the UID of its
/// Secret. The embedded API tells it; a kube-apiserver does not.
pub const TOKEN_UID: &str = "slipway.dev/token-uid";

/// The key in a user's extra attributes that tells the address that a bootstrap token was used from. It stands in the
/// requests that are made with the token, so that whoever decides them can hold it to its networks. The embedded API tells
/// it; a kube-apiserver does not.
pub const SOURCE_ADDRESS: &str = "slipway.dev/source-address";
