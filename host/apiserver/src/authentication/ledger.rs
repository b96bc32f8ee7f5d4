//! The bounds of a token that Slipway keeps in a record of its own, one ConfigMap per token UID.

use k8s_openapi::api::core::v1::ConfigMap;
use slipway_config::system::{LEDGER_KEY, NAMESPACE, ledger_name};
use slipway_config::token::TokenBounds;
use slipway_pki::decision::ledger::TokenLedger;

use crate::status::Status;
use crate::store::{Key, Store};

const CONFIG_MAPS: &str = "/configmaps";

/// The bounds in the ledger of the token with this UID; none where it has no ledger.
///
/// # Errors
/// When there is a ledger that cannot be read: the token is not accepted then.
pub(super) fn bounds(store: &Store, token_uid: &str) -> Result<Option<TokenBounds>, Status> {
    let name = ledger_name(token_uid);
    let Some(record) = store.get(&Key::new(CONFIG_MAPS, NAMESPACE, &name)) else {
        return Ok(None);
    };
    let map: ConfigMap = serde_json::from_slice(&record.json).map_err(Status::internal)?;
    map.data
        .as_ref()
        .and_then(|data| data.get(LEDGER_KEY))
        .and_then(|text| serde_json::from_str::<TokenLedger>(text).ok())
        .filter(|ledger| ledger.token_uid() == token_uid)
        .map(|ledger| Some(ledger.bounds().clone()))
        .ok_or_else(|| {
            Status::internal(format!(
                "the ConfigMap {NAMESPACE}/{name} holds no ledger of this token"
            ))
        })
}
