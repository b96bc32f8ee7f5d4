//! Tokens in a token store, without a cluster: what controllers mirror into Secrets.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use jiff::Timestamp;
use serde::Serialize;
use slipway_bootstrap::layout::Layout;
use slipway_config::token::{TokenBounds, TokenId};
use slipway_controller::tokens::{SourceAddresses, TokenAdminError};
use slipway_plugin::TokenStore;
use slipway_plugin::extension::token_store::{Precondition, StoredToken, TokenStoreError};

use super::{Revoked, bounds, given_or_random, new_token, or_none, warn};
use crate::arguments::{TokenCommand, TokenCreateArguments};
use crate::documents::Documents;
use crate::failure::Usage;
use crate::output::{Printer, Table, age};
use crate::plugins;

const COLUMNS: [&str; 5] = ["ID", "TTL", "USAGES", "BOUNDS", "DESCRIPTION"];

/// A token of a store, without its secret. How often it was used is known to the clusters that mirror it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    id: String,
    uid: String,
    created: Timestamp,
    expires: Option<Timestamp>,
    usages: Vec<&'static str>,
    bounds: TokenBounds,
    description: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    id: TokenId,
    token: String,
    expires: Option<Timestamp>,
}

pub(super) async fn run(
    config: &Path,
    command: &TokenCommand,
    layout: &Layout,
    printer: Printer,
) -> Result<()> {
    let configuration = Documents::read(Some(config))?.plugins;
    let host = plugins::one_shot()?;
    let Some(store) = plugins::token_store(&host, &configuration, layout).await? else {
        bail!(Usage::new(format!(
            "{} has no token store in the mode enforce",
            config.display()
        )));
    };
    match command {
        TokenCommand::Generate => super::generate(printer),
        TokenCommand::Create(arguments) => create(&store, arguments, printer).await,
        TokenCommand::List => list(&store, printer).await,
        TokenCommand::Delete(arguments) => {
            let ids = arguments.ids().map_err(Usage::from_error)?;
            delete(&store, &ids, printer).await
        }
    }
}

async fn create(
    store: &Arc<dyn TokenStore>,
    arguments: &TokenCreateArguments,
    printer: Printer,
) -> Result<()> {
    if arguments.print_join_command {
        bail!(
            Usage::new("a token store does not know where nodes join")
                .with_hint("leave out --print-join-command")
        );
    }
    let (token, is_chosen) = given_or_random(arguments)?;
    let new = new_token(arguments, token.clone());
    let now = Timestamp::now();
    // Who mirrors it does not see where requests come from.
    new.check(now, SourceAddresses::Unseen)?;
    let stored = StoredToken::new(new.record(), new.bounds, now);
    match store.put(&stored, Precondition::Absent).await {
        Err(TokenStoreError::Conflict) => bail!(TokenAdminError::Exists(token.id)),
        written => written.map(drop)?,
    }
    warn(arguments, &token, is_chosen, printer);
    let created = Created {
        id: token.id.clone(),
        token: token.expose().to_string(),
        expires: new.expires,
    };
    printer.answer(&created, |created| created.token.clone())?;
    Ok(())
}

async fn list(store: &Arc<dyn TokenStore>, printer: Printer) -> Result<()> {
    let tokens = store.list().await?;
    let listed: Vec<_> = tokens
        .into_iter()
        .map(|token| listed(token.value))
        .collect();
    printer.answer(&listed, |listed| {
        if listed.is_empty() {
            printer.note("there is no bootstrap token in the store");
            return String::new();
        }
        let mut table = Table::new(&COLUMNS);
        let now = Timestamp::now();
        for token in listed {
            table.row([
                token.id.clone(),
                match token.expires {
                    None => "<forever>".to_owned(),
                    Some(expires) if expires <= now => "<expired>".to_owned(),
                    Some(expires) => age(now, expires),
                },
                token.usages.join(","),
                bounds(&token.bounds),
                or_none(token.description.clone()),
            ]);
        }
        table.render()
    })?;
    Ok(())
}

fn listed(token: StoredToken) -> Listed {
    Listed {
        id: token.record.id.to_string(),
        uid: token.uid,
        created: token.created,
        expires: token.record.expires,
        usages: token.record.usages.names(),
        bounds: token.bounds,
        description: token.record.description,
    }
}

async fn delete(store: &Arc<dyn TokenStore>, ids: &[TokenId], printer: Printer) -> Result<()> {
    for id in ids {
        let found = store.get(id).await?;
        let found = found.ok_or_else(|| TokenAdminError::NotFound(id.clone()))?;
        store.delete(id, &found.version).await?;
        let revoked = Revoked { id, revoked: true };
        if let Some(printer) = printer.unless_quiet() {
            printer.line(&revoked, |_| {
                format!("token {id} is not in the store any more, and revoked where it is mirrored")
            })?;
        }
    }
    Ok(())
}
