//! Join URLs, endpoints, names and durations: what stands on a command line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use slipway_config::duration::GoDuration;
use slipway_config::endpoint::{ApiServerUrl, HostPort};
use slipway_config::join_url::JoinUrl;
use slipway_config::location::DocumentLocation;
use slipway_config::name::NodeName;
use slipway_config::redact;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Ok(url) = text.parse::<JoinUrl>() {
        let written = url.to_string();
        let read: JoinUrl = written.parse().expect("what is written is read");
        assert_eq!(read.to_string(), written);
    }
    let _ = text.parse::<ApiServerUrl>();
    let _ = text.parse::<HostPort>();
    let _ = text.parse::<NodeName>();
    let _ = text.parse::<GoDuration>();
    let _ = text.parse::<DocumentLocation>();
    let _ = redact::text(&text);
});
