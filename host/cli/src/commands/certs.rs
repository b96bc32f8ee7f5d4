//! `slipway certs`.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use slipway_bootstrap::layout::Layout;
use slipway_config::pin::CaPin;
use slipway_pki::ca::CaBundle;

use crate::arguments::{CertsArguments, CertsCommand};
use crate::output::Printer;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pins {
    file: String,
    pins: Vec<CaPin>,
}

pub(super) fn run(arguments: &CertsArguments, layout: &Layout, printer: Printer) -> Result<()> {
    match &arguments.command {
        CertsCommand::CaHash { file } => ca_hash(
            &file.clone().unwrap_or_else(|| layout.ca_certificate()),
            printer,
        ),
    }
}

fn ca_hash(file: &Path, printer: Printer) -> Result<()> {
    let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let bundle =
        CaBundle::from_pem(&pem).with_context(|| format!("{} holds no CA", file.display()))?;
    let pins = Pins {
        file: file.display().to_string(),
        pins: bundle.pins(),
    };
    printer.answer(&pins, |pins| {
        pins.pins.iter().map(|pin| format!("{pin}\n")).collect()
    })?;
    Ok(())
}
