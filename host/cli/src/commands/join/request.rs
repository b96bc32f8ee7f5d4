//! From the command line and the configuration to what is to be discovered, and by what it is to be believed.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use slipway_bootstrap::discovery::{Request, Source, Timing};
use slipway_bootstrap::progress::{Event, Progress};
use slipway_config::join_url::JoinUrl;
use slipway_config::location::DocumentLocation;
use slipway_config::pin::CaPin;
use slipway_config::posture::PostureId;
use slipway_config::token::BootstrapToken;
use slipway_pki::ca::CaBundle;
use slipway_pki::decision::trust::Accepted;

use crate::arguments::{JoinOptions, SecretSource};
use crate::documents::Documents;
use crate::failure::Usage;
use crate::secret;

/// How often a cluster that is not ready is looked at.
const RETRY: Duration = Duration::from_secs(5);

/// What to discover.
pub(super) fn discovery(options: &JoinOptions, documents: &Documents) -> Result<Request> {
    let url = join_url(options)?;
    let pins = pins(options, documents, url.as_ref());
    let ca = options.ca_file.as_deref().map(read_ca).transpose()?;
    let source = source(options, documents, url.as_ref())?;
    let mut accepted = BTreeSet::new();
    if options.discovery_token_unsafe_skip_ca_verification || documents.join_skips_ca_verification()
    {
        accepted.insert(Accepted::TokenWithoutPin);
    }
    match &source {
        Source::Token { .. } if pins.is_empty() && ca.is_none() && accepted.is_empty() => {
            bail!(Usage::new(
                "nothing says which CA to believe: whoever knows the token could put a CA of their own in its place"
            )
            .with_hint(
                "add --discovery-token-ca-cert-hash PIN (`slipway certs ca-hash` on the control plane prints it) or \
                 --ca-file; to trust the token alone, say --discovery-token-unsafe-skip-ca-verification"
            ));
        }
        // The operator named the URL: that is the opt-in, and it is announced.
        Source::Https(_) => {
            accepted.insert(Accepted::HttpsWithoutPin);
        }
        Source::Token { .. } | Source::File(_) => {}
    }
    let given = options
        .timeout
        .or_else(|| documents.join_timeouts()?.discovery);
    let timeout = given.map_or(Timing::default().timeout, Into::into);
    let timing = Timing {
        timeout,
        retry: RETRY.min(timeout),
        ..Timing::default()
    };
    Ok(Request {
        source,
        pins,
        ca,
        https_roots: None,
        accepted,
        timing,
    })
}

/// The token that asks for the certificate, where it is another.
pub(super) fn tls_bootstrap_token(
    options: &JoinOptions,
    documents: &Documents,
) -> Result<Option<BootstrapToken>> {
    let given = secret::optional_token(
        options.tls_bootstrap_token.as_ref(),
        options.tls_bootstrap_token_file.as_deref(),
    )?;
    if given.is_some() {
        return Ok(given);
    }
    let from_document = documents.join_tls_bootstrap_token();
    // A file or URL says nothing about a token, and kubeadm takes --token for this there.
    let from_flag = options
        .discovery_file
        .is_some()
        .then(|| options.token.source());
    match (from_document, from_flag) {
        (Some(token), _) => Ok(Some(token)),
        (None, None | Some(SecretSource::Prompt)) => Ok(None),
        (None, Some(source)) => secret::bootstrap_token(&source, None).map(Some),
    }
}

/// Announces secrets that every user of the machine can see.
pub(super) fn warn_about_arguments(options: &JoinOptions, progress: &dyn Progress) {
    let mut flags = Vec::new();
    if matches!(options.token.source(), SecretSource::Argument(_)) {
        flags.push("--token");
    }
    if options.tls_bootstrap_token.is_some() {
        flags.push("--tls-bootstrap-token");
    }
    if !flags.is_empty() {
        progress.event(Event::Warning(
            PostureId::SecretInArguments.about(flags.join(", ")),
        ));
    }
}

fn join_url(options: &JoinOptions) -> Result<Option<JoinUrl>> {
    let mut urls = options
        .locations
        .iter()
        .filter(|location| JoinUrl::looks_like(location));
    let Some(url) = urls.next() else {
        return Ok(None);
    };
    if options.locations.len() > 1 {
        bail!(Usage::new(
            "a join URL says it all; give no other location beside it"
        ));
    }
    Ok(Some(url.parse().map_err(Usage::from_error)?))
}

fn pins(options: &JoinOptions, documents: &Documents, url: Option<&JoinUrl>) -> Vec<CaPin> {
    let mut pins = options.discovery_token_ca_cert_hash.clone();
    pins.extend(url.map(JoinUrl::pins).unwrap_or_default().iter().cloned());
    if pins.is_empty() {
        pins = documents.join_pins();
    }
    pins
}

fn source(options: &JoinOptions, documents: &Documents, url: Option<&JoinUrl>) -> Result<Source> {
    if let Some(location) = options
        .discovery_file
        .as_ref()
        .or_else(|| documents.join_document())
    {
        if url.is_some() {
            bail!(Usage::new(
                "--discovery-file and a join URL exclude each other"
            ));
        }
        return Ok(match location {
            DocumentLocation::File(file) => Source::File(file.clone()),
            DocumentLocation::Https(url) => Source::Https(url.clone()),
        });
    }
    let from_document = documents.join_token();
    let (locations, id) = match (url, from_document) {
        (Some(url), _) => (
            url.servers().iter().map(ToString::to_string).collect(),
            Some(url.token_id()),
        ),
        (None, Some((server, _))) if options.locations.is_empty() => {
            (vec![server.to_string()], None)
        }
        (None, _) => (options.locations.clone(), None),
    };
    if locations.is_empty() {
        bail!(Usage::new("nothing says where the cluster is").with_hint(
            "slipway join HOST:PORT --token-file FILE --discovery-token-ca-cert-hash PIN; \
             `slipway token create --print-join-command` on the control plane prints it"
        ));
    }
    let token = match (options.token.source(), from_document) {
        (SecretSource::Prompt, Some((_, token))) => token.clone(),
        (source, _) => secret::bootstrap_token(&source, id)?,
    };
    Ok(Source::Token { locations, token })
}

fn read_ca(file: &std::path::Path) -> Result<CaBundle> {
    let pem =
        std::fs::read(file).with_context(|| format!("cannot read --ca-file {}", file.display()))?;
    CaBundle::from_pem(&pem).with_context(|| format!("--ca-file {} holds no CA", file.display()))
}
