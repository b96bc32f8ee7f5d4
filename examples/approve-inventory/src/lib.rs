//! Approves new nodes that are in an inventory: a file in a folder that the operator granted under the name `inventory`.
//!
//! The file has one node a line: its name and, where known, the fingerprint of the only key that may ask for it.
//!
//! ```text
//! # rack 7
//! worker-1
//! worker-2 3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8551
//! ```

mod inventory;

use serde::Deserialize;
use slipway_sdk::files::{Directory, FileError, Reason};
use slipway_sdk::prelude::*;

use inventory::Inventory;

/// The name of the folder among the grants.
const GRANT: &str = "inventory";

/// The largest inventory that is read, in bytes.
const LIMIT: usize = 4 << 20;

/// What the operator can set.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// The inventory's name in the granted folder; `nodes.txt` unless given.
    pub file: String,
    /// What happens to a node that is not in the inventory.
    pub unknown: Unknown,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            file: "nodes.txt".to_owned(),
            unknown: Unknown::default(),
        }
    }
}

/// What happens to a node that is not in the inventory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unknown {
    /// A person decides.
    #[default]
    Defer,
    /// It is denied, for good.
    Deny,
}

/// Approves what is in the inventory.
#[derive(Debug)]
pub struct ApproveInventory {
    settings: Settings,
}

impl Plugin for ApproveInventory {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, SettingErrors> {
        if settings.file.is_empty() || settings.file.starts_with('/') {
            return Err(SettingError::new(
                "file",
                format!(
                    "{:?} is not a name in the granted folder; expected one such as nodes.txt",
                    settings.file
                ),
            )
            .into());
        }
        Ok(Self { settings })
    }
}

impl CsrApprover for ApproveInventory {
    fn review(&self, request: &CertificateRequest) -> Result<Review, ReviewError> {
        const RULE: &str = "node-in-inventory";
        let is_new_node = request.is_for_client() && request.requester.token_id().is_some();
        if !is_new_node {
            return Ok(Review::abstain().finding(Finding::skipped(
                RULE,
                format!("{} does not ask as a new node", request.requester.username),
            )));
        }

        let inventory = self.inventory()?;
        let (name, file) = (&request.node_name, &self.settings.file);
        let Some(node) = inventory.node(name) else {
            let reason = format!("{name} is not in the inventory");
            let finding = Finding::failed(RULE, format!("{name} is not in {file}")).fix(format!(
                "add {name} to {file}, or approve the request by hand"
            ));
            let review = match self.settings.unknown {
                Unknown::Defer => Review::defer(reason),
                Unknown::Deny => Review::deny(reason),
            };
            return Ok(review.finding(finding));
        };
        let in_inventory =
            Finding::passed(RULE, format!("{name} is in line {} of {file}", node.line));

        const KEY_RULE: &str = "key-in-inventory";
        let seen = format!("the key's fingerprint is {}", request.key_fingerprint);
        let (review, key) = match &node.fingerprint {
            None => (
                Review::approve(),
                Finding::skipped(KEY_RULE, "the inventory knows no key of this node"),
            ),
            Some(expected) if expected.eq_ignore_ascii_case(&request.key_fingerprint) => {
                (Review::approve(), Finding::passed(KEY_RULE, seen))
            }
            Some(_) => (
                Review::deny(format!("the inventory knows another key for {name}")),
                Finding::failed(KEY_RULE, seen)
                    .fix(format!("compare it with line {} of {file}", node.line)),
            ),
        };
        Ok(review.finding(in_inventory).finding(key))
    }
}

impl ApproveInventory {
    fn inventory(&self) -> Result<Inventory, ReviewError> {
        let text = Directory::open(GRANT)
            .and_then(|folder| folder.read_text(&self.settings.file, LIMIT))
            .map_err(unreadable)?;
        Inventory::parse(&text)
            .map_err(|error| ReviewError::Other(format!("{GRANT}/{}: {error}", self.settings.file)))
    }
}

/// A file that is not there may come: the request waits for it, and nobody is denied.
fn unreadable(error: FileError) -> ReviewError {
    let text = error.to_string();
    match error.reason {
        Reason::NotFound | Reason::NotPermitted => ReviewError::Unavailable(text),
        _ => ReviewError::Other(text),
    }
}

slipway_sdk::export_csr_approver!(ApproveInventory);

#[cfg(test)]
mod tests;
