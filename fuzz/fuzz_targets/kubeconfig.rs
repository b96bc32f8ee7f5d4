//! Kubeconfigs, whose credentials have to stay in the host.

#![no_main]

use libfuzzer_sys::fuzz_target;
use slipway_pki::kubeconfig::Kubeconfig;

fuzz_target!(|data: &[u8]| {
    let _ = Kubeconfig::parse(data);
    if let Ok(redacted) = Kubeconfig::redact(data) {
        let again = Kubeconfig::redact(&redacted.document).expect("what is left is a kubeconfig");
        assert!(
            again.credentials.is_none(),
            "credentials are left in the document"
        );
    }
});
