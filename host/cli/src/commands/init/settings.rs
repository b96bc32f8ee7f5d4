//! What init makes, from flags, configuration and this machine.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use anyhow::{Context as _, Result, bail};
use slipway_bootstrap::init::settings::{PublishedCa, Settings};
use slipway_bootstrap::init::{self, rbac::Access};
use slipway_bootstrap::layout::Layout;
use slipway_config::endpoint::{Host, HostPort};
use slipway_config::kubeadm::{Lifetime, TokenSpec};
use slipway_config::plugin::PluginConfiguration;
use slipway_config::posture::{PostureEntry, PostureId};
use slipway_pki::key::KeyAlgorithm;

use crate::arguments::{InitOptions, KeyChoice};
use crate::documents::Documents;
use crate::failure::Usage;
use crate::plugins;
use crate::secret;
use crate::server::{ServerSettings, free_port, plugins_path};

/// The port of an API server, unless another is asked for.
pub(in crate::commands) const PORT: u16 = 6443;

/// Everything that init was asked for.
pub(super) struct Wanted {
    pub(super) settings: Settings,
    pub(super) server: ServerSettings,
    pub(super) plugins: PluginConfiguration,
    /// Trade-offs of the command line and the plugins; those of the settings are found elsewhere.
    pub(super) posture: Vec<PostureEntry>,
}

impl Wanted {
    pub(super) fn new(
        options: &InitOptions,
        documents: &Documents,
        earlier: Option<&ServerSettings>,
        layout: &Layout,
    ) -> Result<Self> {
        if options.kubelet_compatible {
            bail!(
                Usage::new(
                    "--kubelet-compatible is for the cluster of --kubeconfig: the API server that is made here lets a token \
                     read its own request by name, which is all that a kubelet needs"
                )
                .with_hint("leave it out")
            );
        }
        let address = advertise_address(options, documents, earlier)?;
        let listen = SocketAddr::new(address, port(options, documents, earlier, address, layout)?);
        let plugins = plugins(options, documents, layout)?;
        let settings = Settings {
            cluster_name: documents.cluster_name(),
            advertise: HostPort::new(Host::Ip(address), listen.port()).context("port 0 is none")?,
            control_plane_endpoint: options
                .control_plane_endpoint
                .clone()
                .or_else(|| documents.control_plane_endpoint(listen.port())),
            additional_servers: options
                .additional_endpoints
                .iter()
                .cloned()
                .map(Into::into)
                .collect(),
            extra_sans: extra_sans(options, documents, earlier)?,
            key_algorithm: key_algorithm(options, documents)?,
            lifetimes: documents.lifetimes(),
            tokens: tokens(options, documents)?,
            access: Access {
                automatic_approval: plugins.approves_automatically(),
                kubelet_compatible: false,
            },
            published_ca: published_ca(options),
        };
        let mut posture = plugins::posture(&plugins);
        if options.token.is_some() {
            posture.push(PostureId::SecretInArguments.about("--token"));
        }
        let server = ServerSettings {
            listen,
            certificates: layout.certificates().to_owned(),
            api_server_names: names(&settings),
            extra_sans: settings.extra_sans.clone(),
            cluster_signing_duration: documents
                .cluster
                .cluster_signing_duration()
                .or_else(|| earlier?.cluster_signing_duration),
        };
        Ok(Self {
            settings,
            server,
            plugins,
            posture,
        })
    }
}

impl From<KeyChoice> for KeyAlgorithm {
    fn from(choice: KeyChoice) -> Self {
        match choice {
            KeyChoice::EcdsaP256 => Self::EcdsaP256,
            KeyChoice::EcdsaP384 => Self::EcdsaP384,
            KeyChoice::Rsa2048 => Self::Rsa2048,
            KeyChoice::Rsa3072 => Self::Rsa3072,
            KeyChoice::Rsa4096 => Self::Rsa4096,
        }
    }
}

/// The plugins that are wanted. Those of a cluster that is there are what the operator made of them since.
fn plugins(
    options: &InitOptions,
    documents: &Documents,
    layout: &Layout,
) -> Result<PluginConfiguration> {
    let is_complete = init::record(layout)?.is_some_and(|record| record.complete);
    let plugins = match is_complete {
        true => ServerSettings::plugins(layout)?,
        false => documents.plugins.clone(),
    };
    match options.auto_approve {
        true if is_complete && !plugins.approves_automatically() => {
            bail!(
                Usage::new(format!(
                    "the cluster is there, and its approvers are those of {}",
                    plugins_path(layout).display()
                ))
                .with_hint("change the file, then start `slipway serve` again")
            )
        }
        true => Ok(plugins.with_auto_approve()),
        false => Ok(plugins),
    }
}

fn advertise_address(
    options: &InitOptions,
    documents: &Documents,
    earlier: Option<&ServerSettings>,
) -> Result<IpAddr> {
    let said = options
        .apiserver_advertise_address
        .or_else(|| documents.advertise_address())
        .or_else(|| Some(earlier?.listen.ip()));
    match said {
        Some(address) => Ok(address),
        None => default_route().context(
            "this machine has no default route, so that nothing says at which address nodes reach it; \
             give --apiserver-advertise-address",
        ),
    }
}

/// The address from which this machine reaches others. No packet is sent: connecting a datagram socket only chooses a
/// route. The destination is of the range that is kept for documentation (RFC 5737).
fn default_route() -> std::io::Result<IpAddr> {
    let socket = UdpSocket::bind(("0.0.0.0", 0))?;
    socket.connect(("192.0.2.1", 9))?;
    Ok(socket.local_addr()?.ip())
}

/// Zero asks for a free port; a run that is taken up again keeps the port that it had.
fn port(
    options: &InitOptions,
    documents: &Documents,
    earlier: Option<&ServerSettings>,
    address: IpAddr,
    layout: &Layout,
) -> Result<u16> {
    let said = options
        .apiserver_bind_port
        .or_else(|| documents.bind_port());
    match (said, earlier) {
        (None | Some(0), Some(earlier)) => Ok(earlier.listen.port()),
        (None, None) => Ok(PORT),
        (Some(0), None) => match begun(layout)? {
            Some(port) => Ok(port),
            None => free_port(address),
        },
        (Some(port), _) => Ok(port),
    }
}

/// The port that an earlier run chose which did not come as far as to keep its settings.
fn begun(layout: &Layout) -> Result<Option<u16>> {
    Ok(init::record(layout)?.map(|record| record.server.host_port().port()))
}

fn key_algorithm(options: &InitOptions, documents: &Documents) -> Result<KeyAlgorithm> {
    match options.key_algorithm {
        Some(choice) => Ok(choice.into()),
        None => Ok(documents.key_algorithm()?.unwrap_or_default()),
    }
}

/// Names that clients may know the API server by: those that were said before are kept.
fn extra_sans(
    options: &InitOptions,
    documents: &Documents,
    earlier: Option<&ServerSettings>,
) -> Result<Vec<Host>> {
    let mut names = Vec::new();
    for name in &options.apiserver_cert_extra_sans {
        let read = name.parse();
        names.push(
            read.map_err(|error| Usage::new(format!("--apiserver-cert-extra-sans: {error}")))?,
        );
    }
    names.extend(documents.cert_sans());
    let known = earlier.iter().flat_map(|earlier| &earlier.extra_sans);
    for name in known {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    Ok(names)
}

pub(super) fn published_ca(options: &InitOptions) -> PublishedCa {
    match options.omit_ca_from_cluster_info {
        true => PublishedCa::Omitted,
        false => PublishedCa::Included,
    }
}

/// The tokens of the configuration, what flags say of the first one put into it.
pub(super) fn tokens(options: &InitOptions, documents: &Documents) -> Result<Vec<TokenSpec>> {
    let given = secret::optional_token(options.token.as_ref(), options.token_file.as_deref())?;
    let mut tokens = documents.first_tokens();
    if let Some(first) = tokens.first_mut() {
        first.token = given.or_else(|| first.token.take());
        first.lifetime = options.token_ttl.map_or(first.lifetime, Lifetime::Ttl);
    }
    Ok(tokens)
}

/// What nodes may not claim in their serving certificates.
fn names(settings: &Settings) -> Vec<Host> {
    let endpoints = std::iter::once(&settings.advertise).chain(&settings.control_plane_endpoint);
    let mut names: Vec<Host> = endpoints.map(|endpoint| endpoint.host().clone()).collect();
    names.extend(
        settings
            .additional_servers
            .iter()
            .map(|server| server.host_port().host().clone()),
    );
    names.extend(settings.extra_sans.iter().cloned());
    names
}
