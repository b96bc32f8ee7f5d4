//! `slipway token`.

mod store;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde::Serialize;
use slipway_bootstrap::init::Invitation;
use slipway_bootstrap::layout::Layout;
use slipway_config::kubeadm::Lifetime;
use slipway_config::posture::PostureId;
use slipway_config::token::{BootstrapToken, TokenBounds, TokenId, TokenUsages};
use slipway_controller::tokens::{ListedToken, NewToken, SourceAddresses, TokenAdmin};

use crate::arguments::{
    ClusterArguments, TokenArguments, TokenCommand, TokenCreateArguments, TokenUsage,
};
use crate::cluster;
use crate::failure::Usage;
use crate::output::{Printer, Table, age};
use crate::secret;

pub(super) async fn run(arguments: TokenArguments, layout: Layout, printer: Printer) -> Result<()> {
    if let Some(config) = &arguments.config {
        return store::run(config, &arguments.command, &layout, printer).await;
    }
    match arguments.command {
        TokenCommand::Generate => generate(printer),
        TokenCommand::Create(create) => {
            self::create(&create, &arguments.cluster, &layout, printer).await
        }
        TokenCommand::List => list(&admin(&arguments.cluster, &layout).await?, printer).await,
        TokenCommand::Delete(delete) => {
            let ids = delete.ids().map_err(Usage::from_error)?;
            self::delete(&admin(&arguments.cluster, &layout).await?, &ids, printer).await
        }
    }
}

/// Networks can be told apart on the embedded API only, which is the one that init made here.
async fn admin(arguments: &ClusterArguments, layout: &Layout) -> Result<TokenAdmin> {
    let client = cluster::client(arguments, layout).await?;
    let seen = if cluster::is_embedded(&client).await {
        SourceAddresses::Seen
    } else {
        SourceAddresses::Unseen
    };
    Ok(TokenAdmin::new(client).source_addresses(seen))
}

fn generate(printer: Printer) -> Result<()> {
    #[derive(Serialize)]
    struct Generated {
        token: String,
    }
    let token = BootstrapToken::generate().context("the system has no randomness")?;
    printer.answer(
        &Generated {
            token: token.expose().to_string(),
        },
        |generated| generated.token.clone(),
    )?;
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    id: String,
    token: String,
    expires: Option<Timestamp>,
    join_command: Option<String>,
    join_url: Option<String>,
}

async fn create(
    arguments: &TokenCreateArguments,
    cluster: &ClusterArguments,
    layout: &Layout,
    printer: Printer,
) -> Result<()> {
    let invites = usages(arguments) == TokenUsages::ALL;
    if arguments.print_join_command && !invites {
        bail!(
            Usage::new("nobody can join with a token that does not have both usages")
                .with_hint("leave out --usages, or --print-join-command")
        );
    }
    let (token, is_chosen) = given_or_random(arguments)?;
    let client = cluster::client(cluster, layout).await?;
    let described = cluster::described(&client, layout).await?;
    let admin = admin(cluster, layout).await?;
    let created = admin.create(&new_token(arguments, token.clone())).await?;
    warn(arguments, &token, is_chosen, printer);
    let invitation = Invitation {
        servers: described.servers,
        pins: described.pins,
        token,
        published_ca: described.published_ca,
    };
    let answer = Created {
        id: created.id,
        token: invitation.token.expose().to_string(),
        expires: created.expires,
        join_command: invites.then(|| invitation.command().to_string()),
        join_url: match invites {
            true => Some(invitation.url()?.to_string()),
            false => None,
        },
    };
    let with_url = invitation.command_with_url()?;
    printer.answer(&answer, |answer| match &answer.join_command {
        Some(command) if arguments.print_join_command => {
            format!("{command}\n# or, without the secret in it:\n# {with_url}")
        }
        _ => answer.token.clone(),
    })?;
    Ok(())
}

/// The token that was given, or a random one; and whether it was given.
fn given_or_random(arguments: &TokenCreateArguments) -> Result<(BootstrapToken, bool)> {
    let given = secret::optional_token(arguments.token.as_ref(), arguments.token_file.as_deref())?;
    Ok(match given {
        Some(token) => (token, true),
        None => {
            let token = BootstrapToken::generate().context("the system has no randomness")?;
            (token, false)
        }
    })
}

fn usages(arguments: &TokenCreateArguments) -> TokenUsages {
    TokenUsages {
        signing: arguments.usages.contains(&TokenUsage::Signing),
        authentication: arguments.usages.contains(&TokenUsage::Authentication),
    }
}

fn new_token(arguments: &TokenCreateArguments, token: BootstrapToken) -> NewToken {
    NewToken {
        token,
        description: arguments.description.clone().unwrap_or_default(),
        expires: Lifetime::Ttl(arguments.ttl).end(Timestamp::now()),
        usages: usages(arguments),
        groups: arguments.groups.clone(),
        bounds: TokenBounds {
            node: arguments.node.clone(),
            uses: arguments.uses,
            cidrs: arguments.cidr.clone(),
        },
    }
}

fn warn(
    arguments: &TokenCreateArguments,
    token: &BootstrapToken,
    is_chosen: bool,
    printer: Printer,
) {
    let id = token.id.to_string();
    let mut posture = Vec::new();
    if Duration::from(arguments.ttl).is_zero() {
        posture.push(PostureId::TokenNeverExpires.about(&id));
    }
    if is_chosen && token.secret.is_weak() {
        posture.push(PostureId::WeakTokenSecret.about(&id));
    }
    if arguments.token.is_some() {
        posture.push(PostureId::SecretInArguments.about(&id));
    }
    printer.posture(&posture);
}

async fn list(admin: &TokenAdmin, printer: Printer) -> Result<()> {
    let tokens = admin.list().await?;
    printer.answer(&tokens, |tokens| {
        if tokens.is_empty() {
            printer.note("there is no bootstrap token");
            return String::new();
        }
        let mut heading = vec!["ID", "TTL", "USAGES", "BOUNDS", "USED", "DESCRIPTION"];
        if printer.is_wide() {
            heading.extend(["EXPIRES", "GROUPS"]);
        }
        let mut table = Table::new(&heading);
        let now = Timestamp::now();
        for token in tokens {
            let mut cells = row(token, now);
            if printer.is_wide() {
                let expires = token.expires.map(|expires| format!("{expires:.0}"));
                cells.extend([or_none(expires.unwrap_or_default()), token.groups.join(",")]);
            }
            table.row(cells);
        }
        table.render()
    })?;
    Ok(())
}

fn row(token: &ListedToken, now: Timestamp) -> Vec<String> {
    let ttl = match token.expires {
        _ if token.revoked => "<revoked>".to_owned(),
        _ if token.expired => "<expired>".to_owned(),
        None => "<forever>".to_owned(),
        Some(expires) => age(now, expires),
    };
    let usages = match &token.problem {
        Some(problem) => format!("<unusable: {problem}>"),
        None => token.usages.join(","),
    };
    vec![
        token.id.clone(),
        ttl,
        usages,
        bounds(&token.bounds),
        uses(token),
        or_none(token.description.clone()),
    ]
}

/// How often it was used, how often it may be, and for whom a use is held meanwhile: `1 (0 left, 1 reserved: worker-2)`.
fn uses(token: &ListedToken) -> String {
    let Some(left) = token.uses_left else {
        return token.used.to_string();
    };
    let nodes: Vec<_> = token
        .reservations
        .iter()
        .map(|reserved| reserved.node.as_str())
        .collect();
    let reserved = match &*nodes {
        [] => String::new(),
        nodes => format!(", {} reserved: {}", nodes.len(), nodes.join(", ")),
    };
    format!("{} ({left} left{reserved})", token.used)
}

fn or_none(text: String) -> String {
    if text.is_empty() {
        "<none>".to_owned()
    } else {
        text
    }
}

fn bounds(bounds: &TokenBounds) -> String {
    let mut said = Vec::new();
    said.extend(bounds.node.as_ref().map(|node| format!("node {node}")));
    said.extend(bounds.uses.map(|uses| match uses {
        1 => "1 use".to_owned(),
        uses => format!("{uses} uses"),
    }));
    said.extend(bounds.cidrs.iter().map(ToString::to_string));
    or_none(said.join(", "))
}

#[derive(Serialize)]
struct Revoked<'a> {
    id: &'a TokenId,
    revoked: bool,
}

async fn delete(admin: &TokenAdmin, ids: &[TokenId], printer: Printer) -> Result<()> {
    for id in ids {
        admin.delete(id).await?;
        let revoked = Revoked { id, revoked: true };
        if let Some(printer) = printer.unless_quiet() {
            printer.line(&revoked, |_| {
                format!("token {id} is revoked; what was pending through it is denied")
            })?;
        }
    }
    Ok(())
}
