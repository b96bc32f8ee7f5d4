//! Files that the command line names: read whole, as far as any that is meant would reach.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Result, bail};
use slipway_config::document::MAX_SIZE;

use crate::failure::Usage;

/// The most that a file of configuration, certificates or credentials may hold, in bytes.
const LARGEST: u64 = MAX_SIZE as u64;

/// Reads a file; a device or a pipe is read no further than a file may be long.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    let mut contents = Vec::new();
    File::open(file)
        .and_then(|open| {
            open.take(LARGEST.saturating_add(1))
                .read_to_end(&mut contents)
        })
        .map_err(|error| Usage::new(format!("cannot read {}: {error}", file.display())))?;
    if contents.len() > MAX_SIZE {
        bail!(Usage::new(format!(
            "{} is larger than {} KiB, and nothing that is expected here is",
            file.display(),
            MAX_SIZE / 1024
        )));
    }
    Ok(contents)
}
