//! Getting secrets without showing them.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use slipway_config::token::{BootstrapToken, TokenId, TokenSecret};
use zeroize::Zeroizing;

use crate::arguments::{SecretSource, SecretText, TOKEN_VARIABLE};
use crate::failure::Usage;

/// Longer than any secret that is meant, short enough to read by mistake.
const LONGEST: u64 = 4096;

/// How a flag that takes a file names standard input.
const STANDARD_INPUT: &str = "-";

/// The bootstrap token from wherever it comes. Where `id` is known (from a join URL), the secret alone is enough.
pub(crate) fn bootstrap_token(
    source: &SecretSource,
    id: Option<&TokenId>,
) -> Result<BootstrapToken> {
    match source {
        SecretSource::Argument(text) => {
            parse(text.expose(), id).context("the token on the command line")
        }
        SecretSource::Environment(text) => parse(text.expose(), id).context(TOKEN_VARIABLE),
        SecretSource::File(file) => token_from_file(file, id),
        SecretSource::Prompt => parse(&ask(id)?, id).context("the token that was typed"),
    }
}

/// A token that stands in an argument or a file, where one does.
pub(crate) fn optional_token(
    argument: Option<&SecretText>,
    file: Option<&Path>,
) -> Result<Option<BootstrapToken>> {
    match (argument, file) {
        (Some(text), _) => parse(text.expose(), None)
            .context("the token on the command line")
            .map(Some),
        (None, Some(file)) => token_from_file(file, None).map(Some),
        (None, None) => Ok(None),
    }
}

fn token_from_file(file: &Path, id: Option<&TokenId>) -> Result<BootstrapToken> {
    let text = read(file)?;
    parse(text.trim(), id).with_context(|| match file == Path::new(STANDARD_INPUT) {
        true => "the token on standard input".to_owned(),
        false => format!("the token in {}", file.display()),
    })
}

fn parse(text: &str, id: Option<&TokenId>) -> Result<BootstrapToken, Usage> {
    let Some(id) = id.filter(|_| !text.contains('.')) else {
        let token: BootstrapToken = text.parse().map_err(Usage::from_error)?;
        if let Some(expected) = id.filter(|id| **id != token.id) {
            return Err(Usage::new(format!(
                "it is token {}, and the join URL names {expected}",
                token.id
            )));
        }
        return Ok(token);
    };
    let secret: TokenSecret = text.parse().map_err(Usage::from_error)?;
    Ok(BootstrapToken {
        id: id.clone(),
        secret,
    })
}

fn read(file: &Path) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    if file == Path::new(STANDARD_INPUT) {
        std::io::stdin()
            .take(LONGEST)
            .read_to_string(&mut text)
            .map_err(|error| Usage::new(format!("cannot read standard input: {error}")))?;
    } else {
        std::fs::File::open(file)
            .and_then(|open| open.take(LONGEST).read_to_string(&mut text))
            .map_err(|error| Usage::new(format!("cannot read {}: {error}", file.display())))?;
    }
    Ok(text)
}

fn ask(id: Option<&TokenId>) -> Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        bail!(
            Usage::new("no bootstrap token was given, and there is nobody to ask").with_hint(
                format!("give it with --token-file FILE or in the variable {TOKEN_VARIABLE}")
            )
        );
    }
    let prompt = id.map_or_else(
        || "Bootstrap token: ".to_owned(),
        |id| format!("Secret of bootstrap token {id}: "),
    );
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .context("cannot read the token")
}
