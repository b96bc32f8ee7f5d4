//! `slipway audit head` and `slipway audit public-key`: what shows elsewhere that a log goes on from where it was.

use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Serialize;
use slipway_bootstrap::layout::Layout;
use slipway_controller::decision_log::{self, SignedHead};
use slipway_pki::key::PrivateKey;

use super::broken;
use crate::controllers;
use crate::failure::{Code, Coded};
use crate::output::Printer;

/// A head, in the clear and signed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Printed {
    records: u64,
    digest: String,
    time: Timestamp,
    head: String,
    public_key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrintedKey {
    public_key: String,
}

/// Prints the signed head of a log that holds together.
pub(super) fn print(log: &Path, layout: &Layout, printer: Printer) -> Result<()> {
    let head = decision_log::verify(log).map_err(broken)?;
    let key = key(layout)?;
    let time = Timestamp::now();
    let printed = Printed {
        records: head.records,
        digest: head.digest.to_string(),
        time,
        head: SignedHead { head, time }.sign(&key)?,
        public_key: key.public_key().to_pem()?,
    };
    printer.answer(&printed, |printed| format!("{}\n", printed.head))?;
    Ok(())
}

/// Prints the public key of the log that is written on this machine.
pub(super) fn print_key(layout: &Layout, printer: Printer) -> Result<()> {
    let public_key = key(layout)?.public_key().to_pem()?;
    printer.answer(&PrintedKey { public_key }, |printed| {
        printed.public_key.clone()
    })?;
    Ok(())
}

/// The key of the log that is written on this machine.
pub(super) fn key(layout: &Layout) -> Result<PrivateKey> {
    let path = layout.decision_log_key();
    let found = controllers::existing_log_key(layout)
        .with_context(|| format!("the decision log's key {} cannot be used", path.display()))?;
    Ok(found.ok_or_else(|| {
        Coded::new(
            Code::NotFound,
            format!(
                "this machine writes no decision log: {} does not exist",
                path.display()
            ),
            "run it where the log is written, or give --public-key what `slipway audit public-key` prints there",
        )
    })?)
}
