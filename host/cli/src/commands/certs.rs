//! `slipway certs`.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use slipway_bootstrap::layout::Layout;
use slipway_config::pin::CaPin;
use slipway_pki::ca::CaBundle;

use crate::arguments::{CertsArguments, CertsCommand};
use crate::failure::{Coded, Usage};
use crate::input;
use crate::output::Printer;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pins {
    file: String,
    pins: Vec<CaPin>,
}

pub(super) fn run(arguments: &CertsArguments, layout: &Layout, printer: Printer) -> Result<()> {
    match &arguments.command {
        CertsCommand::CaHash { file: Some(file) } => ca_hash(file, printer),
        CertsCommand::CaHash { file: None } => {
            let file = layout.ca_certificate();
            if !file.exists() {
                bail!(Coded::no_cluster_here(&file, "name the file of its CA"));
            }
            ca_hash(&file, printer)
        }
    }
}

fn ca_hash(file: &Path, printer: Printer) -> Result<()> {
    let bundle = CaBundle::from_pem(&input::read(file)?)
        .map_err(Usage::from_error)
        .with_context(|| format!("{} cannot be used", file.display()))?;
    let pins = Pins {
        file: file.display().to_string(),
        pins: bundle.pins(),
    };
    printer.answer(&pins, |pins| {
        pins.pins.iter().map(|pin| format!("{pin}\n")).collect()
    })?;
    Ok(())
}
