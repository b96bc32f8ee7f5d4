//! `slipway audit`: the decision log, read and checked without anybody's help.

mod head;
mod replay;
mod verify;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Error, Result, bail};
use jiff::Timestamp;
use slipway_bootstrap::layout::Layout;
use slipway_controller::decision_log::{self, LogError, Record};

use crate::arguments::{AuditArguments, AuditCommand, AuditShowArguments, RecordSelection};
use crate::failure::{Code, Coded};
use crate::output::{Printer, Table, opinion};

const COLUMNS: [&str; 7] = ["RECORD", "TIME", "NODE", "ACTION", "STAGE", "BY", "REASON"];
const MORE_COLUMNS: [&str; 4] = ["REQUEST", "REQUESTER", "APPROVERS", "CERTIFICATE"];

pub(super) async fn run(arguments: AuditArguments, layout: Layout, printer: Printer) -> Result<()> {
    let log = || folder(arguments.log.as_deref(), &layout);
    match &arguments.command {
        AuditCommand::Show(arguments) => show(&log()?, arguments, printer),
        AuditCommand::Verify(arguments) => verify::run(&log()?, arguments, &layout, printer).await,
        AuditCommand::Head => head::print(&log()?, &layout, printer),
        AuditCommand::PublicKey => head::print_key(&layout, printer),
        AuditCommand::Replay(arguments) => replay::run(&log()?, arguments, &layout, printer).await,
    }
}

/// The folder of the log that is meant.
fn folder(named: Option<&Path>, layout: &Layout) -> Result<PathBuf> {
    let log = named.map_or_else(|| layout.decision_log(), Path::to_owned);
    if !log.is_dir() {
        bail!(Coded::new(
            Code::NotFound,
            format!(
                "there is no decision log here: {} does not exist",
                log.display()
            ),
            "name its folder with --log: it is `decisions` in the state folder of the machine on which `slipway serve` or \
             `slipway controller` runs",
        ));
    }
    Ok(log)
}

/// Where the log is broken, what stands before is shown, and then what is wrong. Whether a record is as it was written is
/// known from the one after it only.
fn show(log: &Path, arguments: &AuditShowArguments, printer: Printer) -> Result<()> {
    let mut records = Vec::new();
    let mut last = None;
    let verified = decision_log::verify_each(log, |record, _| records.extend(last.replace(record)));
    if verified.is_ok() {
        records.extend(last);
    }
    let disagrees = |record: &Record| record.entry.opinions.iter().any(|one| one.disagrees);
    let selected = selected(&arguments.selection);
    records.retain(|record| selected(record) && (!arguments.disagreements || disagrees(record)));
    printer.answer(&records, |records| table(records, printer))?;
    if records.is_empty() && verified.is_ok() {
        printer.note("nothing like that was decided");
    }
    verified.map(drop).map_err(broken)
}

/// Whether a record is meant.
fn selected(selection: &RecordSelection) -> impl Fn(&Record) -> bool {
    let since = selection.since.map(|since| {
        Timestamp::now()
            .checked_sub(Duration::from(since))
            .unwrap_or(Timestamp::MIN)
    });
    move |record| {
        let subject = &record.entry.subject;
        let is_meant = |wanted: &Option<String>, is: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| is == Some(wanted))
        };
        let node = selection.node.as_ref().map(ToString::to_string);
        since.is_none_or(|since| since <= record.time)
            && is_meant(&selection.request, Some(&subject.name))
            && is_meant(&node, subject.node.as_deref())
    }
}

/// A log that is not what it was is a matter of trust.
fn broken(error: LogError) -> Error {
    let what_is_left = match error {
        LogError::Malformed { .. } | LogError::Broken { .. } => {
            "; `slipway audit show` shows what stands before the break"
        }
        LogError::Cut { .. } | LogError::Rewritten(_) => "",
        error => return error.into(),
    };
    let hint = format!(
        "find out who can write to that folder, and keep a copy of it as evidence{what_is_left}"
    );
    Coded::new(Code::Untrusted, error.to_string(), hint).into()
}

fn table(records: &[Record], printer: Printer) -> String {
    tabulated(
        records,
        printer,
        (COLUMNS, cells),
        (MORE_COLUMNS, more_cells),
    )
}

/// Headings, and what stands below them of an item.
type Columns<T, const N: usize> = ([&'static str; N], fn(&T) -> [String; N]);

/// A row for each item, with the usual columns, and with more where they are wanted; nothing where there is no item.
fn tabulated<T, const N: usize, const M: usize>(
    items: &[T],
    printer: Printer,
    (columns, cells): Columns<T, N>,
    (more_columns, more_cells): Columns<T, M>,
) -> String {
    if items.is_empty() {
        return String::new();
    }
    let more: &[&str] = match printer.is_wide() {
        true => &more_columns,
        false => &[],
    };
    let mut table = Table::new(&[&columns, more].concat());
    for item in items {
        let cells = cells(item).into_iter();
        match printer.is_wide() {
            true => table.row(cells.chain(more_cells(item))),
            false => table.row(cells),
        }
    }
    table.render()
}

fn cells(record: &Record) -> [String; 7] {
    let entry = &record.entry;
    [
        record.sequence.to_string(),
        format!("{:.0}", record.time),
        or_none(entry.subject.node.as_deref()),
        entry.action.to_string(),
        entry.stage.to_string(),
        or_none(entry.by.as_deref()),
        entry.reason.clone(),
    ]
}

fn more_cells(record: &Record) -> [String; 4] {
    let entry = &record.entry;
    let opinions: Vec<_> = entry.opinions.iter().map(opinion).collect();
    let certificate = entry.certificate.as_ref();
    [
        entry.subject.name.clone(),
        entry.subject.requester.clone(),
        or_none(Some(opinions.join(", ").as_str()).filter(|text| !text.is_empty())),
        or_none(certificate.map(|certificate| certificate.serial_number.as_str())),
    ]
}

fn or_none(text: Option<&str>) -> String {
    text.unwrap_or("<none>").to_owned()
}
