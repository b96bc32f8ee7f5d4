//! A configuration file, as the commands ask for its parts. Relative paths in it are from where the command runs, as kubeadm
//! has it.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use slipway_bootstrap::init::settings::Lifetimes;
use slipway_config::document::{self, Position};
use slipway_config::endpoint::{Host, HostPort};
use slipway_config::kubeadm::{
    ClusterConfiguration, ClusterName, DiscoverySource, EncryptionAlgorithm, InitConfiguration,
    JoinConfiguration, Timeouts, TokenSpec, ValidityPeriod,
};
use slipway_config::location::DocumentLocation;
use slipway_config::name::NodeName;
use slipway_config::pin::CaPin;
use slipway_config::plugin::PluginConfiguration;
use slipway_config::token::BootstrapToken;
use slipway_pki::key::KeyAlgorithm;
use slipway_plugin::{LoadError, SettingProblem};

use crate::failure::Usage;
use crate::input;

/// What a configuration file says; the defaults where there is none.
pub(crate) struct Documents {
    pub(crate) plugins: PluginConfiguration,
    pub(crate) init: InitConfiguration,
    pub(crate) cluster: ClusterConfiguration,
    pub(crate) join: Option<JoinConfiguration>,
}

impl Documents {
    /// Reads a configuration file, if one is named.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self> {
        match file {
            Some(file) => Self::of(read(file)?, file),
            None => Self::of(document::Documents::default(), Path::new("/")),
        }
    }

    /// What the documents of a file say; the defaults where one is not there.
    pub(crate) fn of(documents: document::Documents, file: &Path) -> Result<Self> {
        let file = std::path::absolute(file)?;
        let folder = file.parent().unwrap_or(Path::new("/"));
        Ok(Self {
            plugins: documents
                .plugins
                .unwrap_or_default()
                .with_paths_from(folder),
            init: documents.init.unwrap_or_default(),
            cluster: documents.cluster.unwrap_or_default(),
            join: documents.join,
        })
    }

    pub(crate) fn advertise_address(&self) -> Option<IpAddr> {
        self.init.local_api_endpoint.advertise_address
    }

    pub(crate) fn bind_port(&self) -> Option<u16> {
        self.init.local_api_endpoint.bind_port.map(Into::into)
    }

    /// The stable endpoint; without a port it has the API server's own.
    pub(crate) fn control_plane_endpoint(&self, port: u16) -> Option<HostPort> {
        let port = port.try_into().ok()?;
        self.cluster
            .control_plane_endpoint
            .as_ref()
            .map(|endpoint| endpoint.with_default_port(port))
    }

    pub(crate) fn cert_sans(&self) -> impl Iterator<Item = Host> {
        self.cluster.api_server.cert_sans.iter().cloned()
    }

    pub(crate) fn key_algorithm(&self) -> Result<Option<KeyAlgorithm>> {
        self.cluster
            .encryption_algorithm
            .map(|algorithm| match algorithm {
                EncryptionAlgorithm::EcdsaP256 => Ok(KeyAlgorithm::EcdsaP256),
                EncryptionAlgorithm::EcdsaP384 => Ok(KeyAlgorithm::EcdsaP384),
                EncryptionAlgorithm::Rsa2048 => Ok(KeyAlgorithm::Rsa2048),
                EncryptionAlgorithm::Rsa3072 => Ok(KeyAlgorithm::Rsa3072),
                EncryptionAlgorithm::Rsa4096 => Ok(KeyAlgorithm::Rsa4096),
            })
            .transpose()
    }

    pub(crate) fn cluster_name(&self) -> ClusterName {
        self.cluster.cluster_name.clone().unwrap_or_default()
    }

    pub(crate) fn lifetimes(&self) -> Lifetimes {
        let default = Lifetimes::default();
        let or = |period: Option<ValidityPeriod>, default| period.map_or(default, Duration::from);
        Lifetimes {
            ca: or(self.cluster.ca_certificate_validity_period, default.ca),
            issued: or(self.cluster.certificate_validity_period, default.issued),
        }
    }

    /// The tokens to make, one at least.
    pub(crate) fn first_tokens(&self) -> Vec<TokenSpec> {
        match self.init.bootstrap_tokens.as_slice() {
            [] => vec![TokenSpec::default()],
            tokens => tokens.to_vec(),
        }
    }

    pub(crate) fn join_node_name(&self) -> Option<NodeName> {
        self.join.as_ref()?.node_registration.name.clone()
    }

    pub(crate) fn join_pins(&self) -> Vec<CaPin> {
        match self.join_source() {
            Some(DiscoverySource::Token { pins, .. }) => pins.clone(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn join_skips_ca_verification(&self) -> bool {
        matches!(
            self.join_source(),
            Some(DiscoverySource::Token {
                unsafe_skip_ca_verification: true,
                ..
            })
        )
    }

    pub(crate) fn join_document(&self) -> Option<&DocumentLocation> {
        match self.join_source()? {
            DiscoverySource::Kubeconfig(location) => Some(location),
            DiscoverySource::Token { .. } => None,
        }
    }

    /// The API server and the token of a discovery by token.
    pub(crate) fn join_token(&self) -> Option<(&HostPort, &BootstrapToken)> {
        match self.join_source()? {
            DiscoverySource::Token {
                token, api_server, ..
            } => Some((api_server, token)),
            DiscoverySource::Kubeconfig(_) => None,
        }
    }

    pub(crate) fn join_tls_bootstrap_token(&self) -> Option<BootstrapToken> {
        self.join.as_ref()?.discovery.tls_bootstrap_token.clone()
    }

    pub(crate) fn join_timeouts(&self) -> Option<&Timeouts> {
        Some(&self.join.as_ref()?.timeouts)
    }

    fn join_source(&self) -> Option<&DiscoverySource> {
        Some(&self.join.as_ref()?.discovery.source)
    }
}

/// An error, with the place in the file where it is about the entry of a plugin.
pub(crate) fn placed(error: anyhow::Error, file: Option<&Path>) -> anyhow::Error {
    let Some(file) = file else {
        return error;
    };
    let place = |plugin: &str, part: &str| {
        let text = input::read(file).ok()?;
        let Position { line, column } = document::position_in_entry(&text, plugin, part)?;
        Some(format!("{}:{line}:{column}", file.display()))
    };
    match error.downcast::<LoadError>() {
        Ok(LoadError::Settings { plugin, problems }) => {
            let placed = problems.into_iter().map(|problem| SettingProblem {
                place: place(&plugin, &format!("settings.{}", problem.path)).unwrap_or_default(),
                ..problem
            });
            let problems = placed.collect();
            LoadError::Settings { plugin, problems }.into()
        }
        Ok(error) => {
            let about = error.about();
            match about.and_then(|(plugin, part)| place(plugin, &part)) {
                Some(place) => anyhow::Error::new(error).context(place),
                None => error.into(),
            }
        }
        Err(error) => error,
    }
}

/// Reads a file as it is.
pub(crate) fn read(file: &Path) -> Result<document::Documents> {
    document::Documents::read(&file.display().to_string(), &input::read(file)?)
        .map_err(|error| Usage::from_error(error).into())
}
