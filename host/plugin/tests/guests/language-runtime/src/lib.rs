//! Imports what the runtime of a language imports whether a plugin uses it or not, and uses it: standard streams,
//! environment, files, sockets. For the tests of the runtime.

#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    reason = "generated"
)]

wit_bindgen::generate!({
    path: "../../../../../wit",
    inline: "
        package slipway:test;

        world language-runtime {
            import wasi:cli/environment@0.2.12;
            import wasi:cli/stdin@0.2.12;
            import wasi:cli/stdout@0.2.12;
            import wasi:cli/stderr@0.2.12;
            import wasi:cli/exit@0.2.12;
            import wasi:filesystem/types@0.2.12;
            import wasi:filesystem/preopens@0.2.12;
            import wasi:random/insecure-seed@0.2.12;
            import wasi:sockets/instance-network@0.2.12;
            import wasi:sockets/ip-name-lookup@0.2.12;
            import wasi:sockets/tcp-create-socket@0.2.12;
            export slipway:plugin/plugin-info@0.1.0;
            export slipway:plugin/csr-approver@0.1.0;
        }
    ",
    generate_all,
});

use exports::slipway::plugin::{csr_approver, plugin_info};
use wasi::cli::{environment, exit, stderr, stdin, stdout};
use wasi::filesystem::preopens;
use wasi::random::insecure_seed;
use wasi::sockets::network::IpAddressFamily;
use wasi::sockets::{instance_network, ip_name_lookup, tcp_create_socket};

struct LanguageRuntime;

impl plugin_info::Guest for LanguageRuntime {
    fn info() -> plugin_info::PluginMetadata {
        plugin_info::PluginMetadata {
            name: "language-runtime".to_owned(),
            version: "0.1.0".to_owned(),
            description: String::new(),
            homepage: None,
        }
    }

    fn validate_settings() -> Result<(), Vec<plugin_info::SettingError>> {
        Ok(())
    }
}

impl csr_approver::Guest for LanguageRuntime {
    fn review(
        request: csr_approver::CertificateRequest,
    ) -> Result<csr_approver::Assessment, csr_approver::ReviewError> {
        if request.name == "exit" {
            exit::exit(Err(()));
        }
        let text = [
            format!("environment {}", environment::get_environment().len()),
            format!("arguments {}", environment::get_arguments().len()),
            format!("folders {}", preopens::get_directories().len()),
            format!("seed {:?}", insecure_seed::insecure_seed()),
            format!("input {:?}", stdin::get_stdin().blocking_read(1).is_ok()),
            format!(
                "output {:?}",
                stdout::get_stdout()
                    .blocking_write_and_flush(b"to the log\n")
                    .is_ok()
            ),
            format!(
                "errors {:?}",
                stderr::get_stderr()
                    .blocking_write_and_flush(b"half a line")
                    .is_ok()
            ),
            format!(
                "socket {:?}",
                tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4).is_ok()
            ),
            format!(
                "lookup {:?}",
                ip_name_lookup::resolve_addresses(
                    &instance_network::instance_network(),
                    "localhost"
                )
                .is_ok()
            ),
        ]
        .join(", ");
        Ok(csr_approver::Assessment {
            verdict: csr_approver::Verdict::Defer(text),
            findings: Vec::new(),
        })
    }
}

export!(LanguageRuntime);
