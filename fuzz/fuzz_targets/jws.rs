//! Signatures of cluster information. None that was not made with the secret verifies.

#![no_main]

use libfuzzer_sys::fuzz_target;
use slipway_config::token::BootstrapToken;
use slipway_pki::jws;

fuzz_target!(|data: &[u8]| {
    let token: BootstrapToken = "abcdef.0123456789abcdef".parse().expect("a token");
    let text = String::from_utf8_lossy(data);
    let (jws, payload) = text.split_once('\n').unwrap_or((&text, ""));
    if jws::verify(&token, jws, payload.as_bytes()).is_ok() {
        let detached = jws::sign(&token, payload.as_bytes()).expect("a signature");
        let compact = jws::sign_compact(&token, payload.as_bytes()).expect("a signature");
        assert!(
            jws == detached || jws == compact,
            "{jws} is another signature of the same bytes"
        );
    }
    let _ = jws::verify_compact(&token, jws);
});
