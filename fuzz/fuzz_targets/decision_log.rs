//! Decision logs, which whoever can write the files can write.

#![no_main]

use libfuzzer_sys::fuzz_target;
use slipway_pki::decision::log::{Chain, Head, Record};

fuzz_target!(|data: &[u8]| {
    let mut chain = Chain::default();
    for line in data.split(|byte| *byte == b'\n') {
        let before = chain.head();
        match chain.follow(line) {
            Ok(record) => {
                assert_eq!(record.previous, before.digest);
                assert_eq!(chain.head().records, before.records + 1);
                assert_ne!(chain.head().digest, before.digest);
                let written = serde_json::to_vec(&record).expect("what was read can be written");
                let again: Record = serde_json::from_slice(&written).expect("and read again");
                assert_eq!(again, record);
            }
            Err(_) => assert_eq!(
                chain.head(),
                before,
                "a line that does not follow changes nothing"
            ),
        }
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(head) = text.parse::<Head>()
    {
        assert_eq!(head.to_string().parse(), Ok(head));
    }
});
