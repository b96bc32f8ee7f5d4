//! Exports the right names with the wrong types. For the tests of the runtime.

#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    reason = "generated"
)]

wit_bindgen::generate!({
    inline: "
        package slipway:plugin@0.1.0;

        interface plugin-info {
            record plugin-metadata {
                name: string,
                version: string,
                description: string,
                homepage: option<string>,
            }
            record setting-error {
                path: string,
                message: string,
                suggestion: option<string>,
            }
            info: func() -> plugin-metadata;
            validate-settings: func() -> result<_, list<setting-error>>;
        }

        interface csr-approver {
            review: func(name: string) -> bool;
        }

        world wrong {
            export plugin-info;
            export csr-approver;
        }
    ",
});

use exports::slipway::plugin::{csr_approver, plugin_info};

struct WrongType;

impl plugin_info::Guest for WrongType {
    fn info() -> plugin_info::PluginMetadata {
        plugin_info::PluginMetadata {
            name: "wrong-type".to_owned(),
            version: "0.1.0".to_owned(),
            description: String::new(),
            homepage: None,
        }
    }

    fn validate_settings() -> Result<(), Vec<plugin_info::SettingError>> {
        Ok(())
    }
}

impl csr_approver::Guest for WrongType {
    fn review(_: String) -> bool {
        true
    }
}

export!(WrongType);
