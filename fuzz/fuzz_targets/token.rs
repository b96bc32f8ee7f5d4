//! Tokens as people write them, and as Secrets hold them.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use slipway_config::token::{BootstrapToken, TokenBounds, TokenId, TokenRecord, expiration_of};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Ok(token) = text.parse::<BootstrapToken>() {
        assert_eq!(*token.expose(), *text, "a token is read as it is written");
    }
    let mut parts = data.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    let name = parts.next().unwrap_or_default();
    let keys = [
        "token-id",
        "token-secret",
        "expiration",
        "usage-bootstrap-signing",
        "usage-bootstrap-authentication",
        "auth-extra-groups",
        "description",
    ];
    let fields: BTreeMap<String, Vec<u8>> =
        keys.map(str::to_owned).into_iter().zip(parts).collect();
    let _ = expiration_of(&fields);
    let _ = TokenRecord::from_secret_data(&fields, &String::from_utf8_lossy(&name));
    let _ = text.parse::<TokenId>();
    let _ = serde_json::from_str::<TokenBounds>(&text);
});
