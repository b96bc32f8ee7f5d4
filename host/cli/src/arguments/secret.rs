//! Secrets: a secret in the arguments is visible to every user of the machine, so each has a file and an
//! environment form, too.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use zeroize::Zeroizing;

/// Text that does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl FromStr for SecretText {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(text.to_owned()))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretText(..)")
    }
}

/// Where the bootstrap token comes from.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub(crate) struct DiscoverySecret {
    /// The bootstrap token, `ID.SECRET`; visible to other users of this machine, so prefer --token-file
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    token: Option<SecretText>,
    /// A file that holds the bootstrap token, or only its secret where a join URL has the ID; `-` for standard input
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// One source of a secret, in the order in which they are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// An argument.
    Argument(SecretText),
    /// A file; `-` is standard input.
    File(PathBuf),
    /// The environment.
    Environment(SecretText),
    /// Nothing was said: ask, where there is somebody to ask.
    Prompt,
}

/// The environment variable that may hold a bootstrap token.
pub(crate) const TOKEN_VARIABLE: &str = "SLIPWAY_TOKEN";

impl DiscoverySecret {
    /// Where the token is to be had from.
    pub(crate) fn source(&self) -> SecretSource {
        if let Some(token) = &self.token {
            return SecretSource::Argument(token.clone());
        }
        if let Some(file) = &self.token_file {
            return SecretSource::File(file.clone());
        }
        match std::env::var(TOKEN_VARIABLE) {
            Ok(token) if !token.is_empty() => SecretSource::Environment(token.into()),
            _ => SecretSource::Prompt,
        }
    }
}
