//! Certificate signing requests in DER, as the guardrails take them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use slipway_pki::csr::UnverifiedRequest;

fuzz_target!(|data: &[u8]| {
    let Ok(request) = UnverifiedRequest::from_der(data) else {
        return;
    };
    assert_eq!(request.der(), data, "nothing stands after the request");
    let _ = (
        request.subject(),
        request.node_name(),
        request.public_key().fingerprint(),
    );
    let _ = request.verify();
});
