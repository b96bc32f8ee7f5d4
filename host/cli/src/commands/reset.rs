//! `slipway reset`.

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Result, bail};
use serde::Serialize;
use slipway_bootstrap::layout::Layout;
use slipway_bootstrap::reset::{self, Kept, KeptReason, Plan};

use crate::arguments::ResetArguments;
use crate::failure::Usage;
use crate::output::Printer;
use crate::server;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    removed: Vec<String>,
    kept: Vec<String>,
    dry_run: bool,
}

pub(super) fn run(arguments: &ResetArguments, layout: &Layout, printer: Printer) -> Result<()> {
    let plan = reset::plan(layout)?;
    if plan.is_empty() {
        printer.note("there is nothing of Slipway's on this machine");
    } else if !arguments.dry_run && !arguments.force && !agreed(&plan)? {
        printer.note("nothing was removed");
        return Ok(());
    }
    let answer = if arguments.dry_run {
        Answer {
            removed: shown(&plan.remove),
            kept: kept(&plan.keep),
            dry_run: true,
        }
    } else {
        server::stop(layout)?;
        let plan = reset::plan(layout)?;
        let report = reset::execute(layout, &plan)?;
        Answer {
            removed: shown(&report.removed),
            kept: kept(&report.kept),
            dry_run: false,
        }
    };
    // What would be removed is what was asked for; what was removed only confirms it.
    let printer = if answer.dry_run {
        Some(printer)
    } else {
        printer.unless_quiet()
    };
    if let Some(printer) = printer {
        printer.answer(&answer, render)?;
    }
    Ok(())
}

fn render(answer: &Answer) -> String {
    let verb = if answer.dry_run {
        "would remove"
    } else {
        "removed"
    };
    let removed = answer.removed.iter().map(|path| format!("{verb} {path}\n"));
    let kept = answer.kept.iter().map(|line| format!("keeps {line}\n"));
    removed.chain(kept).collect()
}

fn shown(paths: &[std::path::PathBuf]) -> Vec<String> {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}

fn kept(kept: &[Kept]) -> Vec<String> {
    kept.iter()
        .map(|kept| {
            let why = match kept.reason {
                KeptReason::Changed => "somebody changed it",
                KeptReason::NotEmpty => "it holds what Slipway did not write",
            };
            format!("{} ({why})", kept.path.display())
        })
        .collect()
}

fn agreed(plan: &Plan) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!(
            Usage::new("reset removes files, and there is nobody to ask")
                .with_hint("look at what it would remove with --dry-run, then run it with --force")
        );
    }
    let mut stderr = anstream::stderr().lock();
    for path in &plan.remove {
        writeln!(stderr, "  {}", path.display())?;
    }
    write!(
        stderr,
        "remove these, and stop the server if it runs? [y/N] "
    )?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
