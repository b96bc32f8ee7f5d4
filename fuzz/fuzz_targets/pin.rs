//! Pins of CAs, and digests.

#![no_main]

use libfuzzer_sys::fuzz_target;
use slipway_config::digest::Sha256Digest;
use slipway_config::pin::CaPin;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Ok(pin) = text.parse::<CaPin>() {
        assert_eq!(
            pin.to_string().parse::<CaPin>(),
            Ok(pin),
            "a pin is read as it is written"
        );
    }
    let _ = text.parse::<Sha256Digest>();
});
