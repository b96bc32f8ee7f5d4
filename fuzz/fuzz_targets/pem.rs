//! PEM: requests, certificates, bundles, keys.

#![no_main]

use libfuzzer_sys::fuzz_target;
use slipway_pki::ca::CaBundle;
use slipway_pki::certificate::Certificate;
use slipway_pki::csr::CertificateRequest;
use slipway_pki::key::PrivateKey;

fuzz_target!(|data: &[u8]| {
    let _ = CertificateRequest::from_pem(data);
    let _ = Certificate::from_pem(data);
    if let Ok(bundle) = CaBundle::from_pem(data) {
        assert!(!bundle.pins().is_empty(), "a bundle has a certificate");
    }
    let _ = PrivateKey::from_pem(&String::from_utf8_lossy(data));
});
