//! `slipway version`.

use anyhow::Result;
use serde::Serialize;

use crate::output::Printer;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    version: &'static str,
    plugin_interface: &'static str,
    platform: String,
}

pub(super) fn run(printer: Printer) -> Result<()> {
    let version = Version {
        version: env!("CARGO_PKG_VERSION"),
        plugin_interface: slipway_plugin::INTERFACE_VERSION,
        platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    };
    printer.answer(&version, |version| {
        format!(
            "slipway {} ({}, plugin interface {})",
            version.version, version.platform, version.plugin_interface
        )
    })?;
    Ok(())
}
