//! Where Slipway keeps its own records in a cluster: what writes them and what reads them have to mean the same object.

/// The namespace of the token ledgers and the claims on node names. Nobody who bootstraps may write there.
pub const NAMESPACE: &str = "slipway-system";

/// The key of a ledger in the data of its ConfigMap.
pub const LEDGER_KEY: &str = "ledger";

/// The name of the ConfigMap that holds the ledger of the token with this UID.
pub fn ledger_name(token_uid: &str) -> String {
    format!("token-ledger.{token_uid}")
}
