//! `slipway audit verify`: whether a log is as it was written, and goes on from where it was.

use std::path::{Path, PathBuf};

use anyhow::Result;
use jiff::Timestamp;
use serde::Serialize;
use slipway_bootstrap::layout::Layout;
use slipway_controller::decision_log::{self, Head, SignedHead};
use slipway_controller::head_publisher;
use slipway_pki::key::PublicKey;

use super::{broken, head};
use crate::arguments::{self, AuditVerifyArguments};
use crate::failure::{Code, Coded, Usage};
use crate::output::Printer;
use crate::{cluster, input};

/// What was checked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    log: PathBuf,
    records: u64,
    anchor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    goes_on_from: Option<GoesOnFrom>,
}

/// Where the log is known to have ended.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GoesOnFrom {
    records: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<Timestamp>,
}

/// Where a log was known to end, and when that was signed, if it was.
struct Anchor {
    head: Head,
    signed: Option<Timestamp>,
}

pub(super) async fn run(
    log: &Path,
    arguments: &AuditVerifyArguments,
    layout: &Layout,
    printer: Printer,
) -> Result<()> {
    let anchor = anchor(arguments, layout).await?;
    let head = match &anchor {
        Some(anchor) => decision_log::verify_from(log, &anchor.head),
        None => decision_log::verify(log),
    };
    let head = head.map_err(broken)?;
    let checked = Checked {
        log: log.to_owned(),
        records: head.records,
        anchor: head.to_string(),
        goes_on_from: anchor.as_ref().map(|anchor| GoesOnFrom {
            records: anchor.head.records,
            signed: anchor.signed,
        }),
    };
    printer.answer(&checked, text)?;
    if anchor.is_none() {
        printer.note(
            "that the end was cut off is seen only with what was kept elsewhere: --published, or the anchor, or what \
             `slipway audit head` printed, in --anchor",
        );
    }
    Ok(())
}

fn text(checked: &Checked) -> String {
    let records = match checked.records {
        1 => "1 record".to_owned(),
        records => format!("{records} records, each bound to the one before it"),
    };
    let from = match &checked.goes_on_from {
        None => String::new(),
        Some(GoesOnFrom { records, signed }) => {
            let signed = signed.map(|time| format!(", signed at {time:.0}"));
            let signed = signed.unwrap_or_default();
            format!("it goes on from its record {records}{signed}\n")
        }
    };
    format!("{records}\n{from}anchor: {}\n", checked.anchor)
}

async fn anchor(given: &AuditVerifyArguments, layout: &Layout) -> Result<Option<Anchor>> {
    if given.published {
        return published(given, layout).await.map(Some);
    }
    match &given.anchor {
        None => Ok(None),
        Some(arguments::Anchor::Head(head)) => Ok(Some(Anchor {
            head: *head,
            signed: None,
        })),
        Some(arguments::Anchor::Signed(statement)) => signed(
            statement,
            &public_key(given, layout)?,
            "the head in --anchor",
        )
        .map(Some),
        Some(arguments::Anchor::SignedIn(file)) => {
            let statement = String::from_utf8_lossy(&input::read(file)?).into_owned();
            let key = public_key(given, layout)?;
            let what = format!("the head in {}", file.display());
            signed(&statement, &key, &what).map(Some)
        }
    }
}

/// What the log's writer published in the cluster.
async fn published(arguments: &AuditVerifyArguments, layout: &Layout) -> Result<Anchor> {
    let key = public_key(arguments, layout)?;
    let client = cluster::client(&arguments.cluster, layout).await?;
    let fingerprint = key.fingerprint().to_string();
    let found = head_publisher::published(&client, &fingerprint).await?;
    let found = found.ok_or_else(|| {
        Coded::new(
            Code::NotFound,
            "no head of this log was published in the cluster",
            "it is there some seconds after the first decision; a log of another machine needs its --public-key",
        )
    })?;
    signed(&found.head, &key, "the head that was published")
}

fn signed(statement: &str, key: &PublicKey, what: &str) -> Result<Anchor> {
    let SignedHead { head, time } = SignedHead::verify(statement, key).map_err(|error| {
        Coded::new(
            Code::Untrusted,
            format!("{what} is not believed: {error}"),
            "if it is of the log of another machine, give --public-key what `slipway audit public-key` prints there",
        )
    })?;
    Ok(Anchor {
        head,
        signed: Some(time),
    })
}

fn public_key(arguments: &AuditVerifyArguments, layout: &Layout) -> Result<PublicKey> {
    let Some(file) = &arguments.public_key else {
        return Ok(head::key(layout)?.public_key().clone());
    };
    let key = PublicKey::from_pem(&input::read(file)?);
    Ok(key.map_err(|error| Usage::new(format!("{} is no public key: {error}", file.display())))?)
}
