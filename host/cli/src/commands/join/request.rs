//! From the command line and the configuration to what is to be discovered, and by what it is to be believed.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use slipway_bootstrap::discovery::{Request, Source, SourceKind, Timing};
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
use crate::input;
use crate::secret;

/// How often a cluster that is not ready is looked at.
const RETRY: Duration = Duration::from_secs(5);

/// What to discover.
pub(super) fn discovery(options: &JoinOptions, documents: &Documents) -> Result<Request> {
    let url = join_url(options)?;
    let pins = pins(options, documents, url.as_ref());
    let ca = options.ca_file.as_deref().map(read_ca).transpose()?;
    let mut accepted = BTreeSet::new();
    if options.discovery_token_unsafe_skip_ca_verification || documents.join_skips_ca_verification()
    {
        accepted.insert(Accepted::TokenWithoutPin);
    }
    let has_basis = !pins.is_empty()
        || ca.is_some()
        || !accepted.is_empty()
        || !options.discovery_unsafe_trust_source.is_empty();
    let sources = sources(options, documents, url.as_ref())?;
    let is_token = |source: &Source| source.kind() == SourceKind::Token;
    if sources.iter().all(is_token) {
        if !has_basis {
            bail!(no_basis());
        }
    } else {
        // The operator named the web server, in a URL or as the API server of a file that has no CA: that is the opt-in,
        // and it is announced where it was needed.
        accepted.insert(Accepted::HttpsWithoutPin);
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
        sources,
        pins,
        ca,
        https_roots: None,
        accepted,
        quorum: options.trust.as_ref().and_then(|trust| trust.quorum),
        timing,
    })
}

fn no_basis() -> Usage {
    Usage::new(
        "nothing says which CA to believe: whoever knows the token could put a CA of their own in its place",
    )
    .with_hint(
        "add --discovery-token-ca-cert-hash PIN (`slipway certs ca-hash` on the control plane prints it) or \
         --ca-file; to trust the token alone, say --discovery-token-unsafe-skip-ca-verification",
    )
}

/// The token that asks for the certificate, where it is another than that of `discovery`.
pub(super) fn tls_bootstrap_token(
    options: &JoinOptions,
    documents: &Documents,
    discovery: &Request,
) -> Result<Option<BootstrapToken>> {
    let given = secret::optional_token(
        options.tls_bootstrap_token.as_ref(),
        options.tls_bootstrap_token_file.as_deref(),
    )?;
    if given.is_some() {
        return Ok(given);
    }
    let from_document = documents.join_tls_bootstrap_token();
    // Where nothing is discovered with a token, --token is for this, as kubeadm has it.
    let from_flag = discovery.token().is_none().then(|| options.token.source());
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

/// Where to learn about the cluster. What the arguments name takes the place of what the configuration names.
fn sources(
    options: &JoinOptions,
    documents: &Documents,
    url: Option<&JoinUrl>,
) -> Result<Vec<Source>> {
    let are_named = !options.locations.is_empty() || !options.discovery_file.is_empty();
    let mut locations = match url {
        Some(url) => url.servers().iter().map(ToString::to_string).collect(),
        None => options.locations.clone(),
    };
    let mut files = options
        .discovery_file
        .iter()
        .map(|location| location.expose().parse::<DocumentLocation>())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Usage::new(format!("--discovery-file: {error}")))?;
    let mut configured = None;
    if !are_named {
        files.extend(documents.join_document().cloned());
        if let Some((server, token)) = documents.join_token() {
            locations.push(server.to_string());
            configured = Some(token);
        }
    }
    let mut sources = Vec::new();
    if !locations.is_empty() {
        let token = match (options.token.source(), configured) {
            (SecretSource::Prompt, Some(token)) => token.clone(),
            (source, _) => secret::bootstrap_token(&source, url.map(JoinUrl::token_id))?,
        };
        sources.push(Source::Token { locations, token });
    }
    sources.extend(files.into_iter().map(|location| match location {
        DocumentLocation::File(file) => Source::File(file),
        DocumentLocation::Https(url) => Source::Https(url),
    }));
    if sources.is_empty() {
        bail!(Usage::new("nothing says where the cluster is").with_hint(
            "slipway join HOST:PORT --token-file FILE --discovery-token-ca-cert-hash PIN; \
             `slipway token create --print-join-command` on the control plane prints it"
        ));
    }
    Ok(sources)
}

fn read_ca(file: &std::path::Path) -> Result<CaBundle> {
    let pem = input::read(file).context("--ca-file")?;
    CaBundle::from_pem(&pem)
        .map_err(Usage::from_error)
        .with_context(|| format!("--ca-file {} cannot be used", file.display()))
}
