//! The Rust form of `wit/`, generated. All four worlds are bound as one, so that what they share is one type; each
//! component exports its own part of it.

#![allow(missing_docs, unreachable_pub, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../../wit",
    inline: "
        package slipway:host;

        world every-plugin {
            include slipway:plugin/trust-source-plugin@0.1.0;
            include slipway:plugin/csr-approver-plugin@0.1.0;
            include slipway:plugin/token-store-plugin@0.1.0;
            include slipway:plugin/endpoint-provider-plugin@0.1.0;
        }
    ",
    world: "slipway:host/every-plugin",
    imports: {
        "slipway:plugin/unverified-https": async | trappable,
        "slipway:plugin/cluster": async | trappable,
        "slipway:plugin/dns": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "wasi:io": wasmtime_wasi::p2::bindings::io,
        "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
        "wasi:random": wasmtime_wasi::p2::bindings::random,
        "wasi:filesystem": wasmtime_wasi::p2::bindings::filesystem,
        "wasi:sockets": wasmtime_wasi::p2::bindings::sockets,
        "wasi:http": wasmtime_wasi_http::p2::bindings::http,
        "slipway:plugin/bootstrap-token.token": crate::capability::bootstrap_token::Token,
        "slipway:plugin/unverified-https.race": crate::capability::unverified_https::Race,
    },
});

pub(crate) use exports::slipway::plugin as export;
pub(crate) use slipway::plugin as import;
