//! Configuration files: several documents of YAML.

#![no_main]

use libfuzzer_sys::fuzz_target;
use slipway_config::document::Documents;

fuzz_target!(|data: &[u8]| {
    let Ok(documents) = Documents::read("fuzz.yaml", data) else {
        return;
    };
    let written = documents.to_yaml().expect("what was read can be written");
    // A secret is not written, and what stands in its place is none.
    if !written.contains("oken: ") {
        Documents::read("written.yaml", written.as_bytes()).expect("what is written is read");
    }
});
