//! What nodes are invited with, in the answer of init.

use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Serialize;
use slipway_bootstrap::init::Invitation;

use crate::reach::Reach;

/// An invitation, as far as it may be shown.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invited {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_expires: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    join_command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    join_url: Option<String>,
    /// The command that goes with the URL.
    #[serde(skip)]
    join_with_url: Option<String>,
}

impl Invited {
    /// The token's secret is in it only where it is to be `shown`.
    pub(super) fn new(
        invitation: Option<&Invitation>,
        expires: Option<Timestamp>,
        shown: bool,
    ) -> Result<Self> {
        let Some(invitation) = invitation else {
            return Ok(Self::default());
        };
        Ok(Self {
            token: shown.then(|| invitation.token.expose().to_string()),
            token_expires: expires,
            join_command: shown.then(|| invitation.command().to_string()),
            join_url: Some(invitation.url().context("no join URL")?.to_string()),
            join_with_url: Some(invitation.command_with_url()?),
        })
    }

    /// How a node joins; with `ca`, what has to be brought to it first.
    pub(super) fn render(&self, ca: Option<&Path>, reach: &Reach) -> String {
        let Some(with_url) = &self.join_with_url else {
            let create = reach.command("token create --print-join-command");
            return format!("no node can join with the tokens that were made:\n  {create}\n");
        };
        let mut text = String::new();
        if let Some(ca) = ca {
            text.push_str(&format!("bring the CA to each node: {}\n", ca.display()));
        }
        let secret = self
            .token
            .as_deref()
            .and_then(|token| token.split_once('.'))
            .map(|(_, secret)| format!(", which is {secret}"))
            .unwrap_or_default();
        text.push_str(&format!(
            "let a node join; it asks for the token's secret{secret}:\n  {with_url}\n"
        ));
        if let Some(command) = &self.join_command {
            text.push_str(&format!(
                "the same as kubeadm has it; every user of the node can read the secret:\n  {command}\n"
            ));
        }
        text
    }
}
