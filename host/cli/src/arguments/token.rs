//! `slipway token`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use slipway_config::name::NodeName;
use slipway_config::token::{TokenGroup, TokenId, TokenIdError};
use slipway_controller::tokens::MOST_USES;

use super::{ClusterArguments, GoDuration, SecretText};

/// `slipway token`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct TokenArguments {
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
    /// A file with a PluginConfiguration: work on its token store, which controllers mirror, and on no cluster
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        conflicts_with = "kubeconfig"
    )]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

/// Below `slipway token`.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token that nodes can join with
    Create(TokenCreateArguments),
    /// List the tokens, without their secrets
    List,
    /// Revoke tokens: what is pending through them is denied
    Delete(TokenDeleteArguments),
    /// Print a random token, and create nothing
    Generate,
}

/// `slipway token create`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TokenCreateArguments {
    /// The token, `ID.SECRET`; a random one by default, which is better
    #[arg(value_name = "TOKEN", conflicts_with = "token_file")]
    pub(crate) token: Option<SecretText>,
    /// A file that holds the token
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// How long the token lives; 0 means for ever, which is announced
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub(crate) ttl: GoDuration,
    /// What the token is for
    #[arg(
        long,
        value_name = "USAGE",
        value_delimiter = ',',
        default_value = "signing,authentication"
    )]
    pub(crate) usages: Vec<TokenUsage>,
    /// Groups that the token's bearer has besides system:bootstrappers
    #[arg(
        long,
        value_name = "GROUP",
        value_delimiter = ',',
        default_value = "system:bootstrappers:kubeadm:default-node-token"
    )]
    pub(crate) groups: Vec<TokenGroup>,
    /// What it is for, for people
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// The only node that may use it
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<NodeName>,
    /// How often it may be used in all, at most 4000 times
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_USES)))]
    pub(crate) uses: Option<u32>,
    /// Networks that it may be used from (embedded API only)
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    pub(crate) cidr: Vec<ipnet::IpNet>,
    /// Print the whole join command and the join URL instead of the token
    #[arg(long)]
    pub(crate) print_join_command: bool,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TokenUsage {
    /// Signing cluster-info
    Signing,
    /// Authenticating to the API server
    Authentication,
}

/// `slipway token delete`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TokenDeleteArguments {
    /// IDs of the tokens; a whole token is taken, too
    // Read by the command: clap would repeat what it cannot read, and that may be a secret.
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<SecretText>,
}

fn network(text: &str) -> Result<ipnet::IpNet, String> {
    text.parse()
        .map_err(|_| "expected an address and a length, such as 10.0.0.0/8 or fd00::/8".to_owned())
}

impl TokenDeleteArguments {
    /// The IDs, without the secrets of whole tokens.
    pub(crate) fn ids(&self) -> Result<Vec<TokenId>, TokenIdError> {
        self.ids
            .iter()
            .map(|text| {
                text.expose()
                    .split_once('.')
                    .map_or(text.expose(), |(id, _)| id)
                    .parse()
            })
            .collect()
    }
}
