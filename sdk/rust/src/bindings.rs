//! What wit-bindgen makes of `wit/`: raw, and hidden behind the rest of this crate.
//!
//! The worlds of the package are cut into one of all imports and one for each export, so that what interfaces
//! share is generated once. The linker unites what a plugin uses; an import that it does not use vanishes.

#![allow(missing_docs, unreachable_pub, clippy::all)]

/// Everything that a plugin may import.
pub mod imports {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package slipway:sdk;
            world imports {
                include slipway:plugin/capabilities@0.1.0;
                import slipway:plugin/types@0.1.0;
                import slipway:plugin/bootstrap-token@0.1.0;
                import slipway:plugin/unverified-https@0.1.0;
            }
        ",
        generate_all,
        pub_export_macro: true,
    });
}

pub mod plugin_info {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package slipway:sdk;
            world plugin-info { export slipway:plugin/plugin-info@0.1.0; }
        ",
        with: { "slipway:plugin/types@0.1.0": super::imports::slipway::plugin::types },
        pub_export_macro: true,
    });
}

pub mod csr_approver {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package slipway:sdk;
            world csr-approver { export slipway:plugin/csr-approver@0.1.0; }
        ",
        with: { "slipway:plugin/types@0.1.0": super::imports::slipway::plugin::types },
        pub_export_macro: true,
    });
}

pub mod trust_source {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package slipway:sdk;
            world trust-source { export slipway:plugin/trust-source@0.1.0; }
        ",
        with: {
            "slipway:plugin/types@0.1.0": super::imports::slipway::plugin::types,
            "slipway:plugin/bootstrap-token@0.1.0": super::imports::slipway::plugin::bootstrap_token,
        },
        pub_export_macro: true,
    });
}

pub mod token_store {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package slipway:sdk;
            world token-store { export slipway:plugin/token-store@0.1.0; }
        ",
        pub_export_macro: true,
    });
}

pub mod endpoint_provider {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package slipway:sdk;
            world endpoint-provider { export slipway:plugin/endpoint-provider@0.1.0; }
        ",
        pub_export_macro: true,
    });
}
