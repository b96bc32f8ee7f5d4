//! A client for the cluster that a command talks to.

mod kubeconfig;
mod patience;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use slipway_bootstrap::init;
use slipway_bootstrap::init::settings::PublishedCa;
use slipway_bootstrap::layout::Layout;
use slipway_config::endpoint::HostPort;
use slipway_config::pin::CaPin;
use slipway_config::plugin::PluginConfiguration;
use slipway_controller::ClusterSettings;
use slipway_pki::ca::CaBundle;
use slipway_pki::guardrail::LifetimePolicy;
use slipway_pki::kubeconfig::ClusterInfoKubeconfig;

pub(crate) use self::kubeconfig::Connection;
use self::patience::Patience;
use crate::arguments::ClusterArguments;
use crate::failure::Coded;
use crate::policy;
use crate::server::ServerSettings;

/// As --kubeconfig says, else as the administrator of the cluster below --dir, else as KUBECONFIG says, else as the
/// administrator of the cluster that init made here. Who names a folder means the cluster in it, whatever the
/// environment says for other clients.
pub(crate) async fn client(arguments: &ClusterArguments, layout: &Layout) -> Result<Client> {
    match find(arguments, layout).await? {
        Some(client) => Ok(client),
        None => administrator(layout).await,
    }
}

/// The same; none where nothing says which cluster is meant.
pub(crate) async fn find(arguments: &ClusterArguments, layout: &Layout) -> Result<Option<Client>> {
    of(arguments, layout, Patience::OF_A_PERSON).await
}

/// For a process that works on a cluster: as --kubeconfig or KUBECONFIG says, else as the pod that it runs in.
pub(crate) async fn controller(arguments: &ClusterArguments, layout: &Layout) -> Result<Client> {
    match of(arguments, layout, Patience::OF_A_PROCESS).await? {
        Some(client) => Ok(client),
        None => kubeconfig::in_cluster(Patience::OF_A_PROCESS),
    }
}

async fn of(
    arguments: &ClusterArguments,
    layout: &Layout,
    patience: Patience,
) -> Result<Option<Client>> {
    match named(arguments, layout) {
        files if files.is_empty() => Ok(None),
        files => kubeconfig::client(&files, patience).await.map(Some),
    }
}

/// The kubeconfigs of the cluster that is meant; none where nothing says which one is.
fn named(arguments: &ClusterArguments, layout: &Layout) -> Vec<PathBuf> {
    let here = layout.admin_kubeconfig();
    let is_there = here.exists();
    match &arguments.kubeconfig {
        Some(file) => vec![file.clone()],
        None if layout.folder().is_some() && is_there => vec![here],
        None => match kubeconfig::of_environment() {
            files if files.is_empty() && is_there => vec![here],
            files => files,
        },
    }
}

/// The cluster of a kubeconfig, with what nodes have to be told of it.
pub(crate) async fn connection(file: &Path) -> Result<Connection> {
    kubeconfig::connection(file).await
}

/// As the administrator of the cluster that init made here.
pub(crate) async fn administrator(layout: &Layout) -> Result<Client> {
    let file = layout.admin_kubeconfig();
    if !file.exists() {
        bail!(Coded::no_cluster_here(&file, "give its --kubeconfig"));
    }
    kubeconfig::client(&[file], Patience::OF_A_PERSON).await
}

/// What the operator said about the cluster that is meant, as far as it is known here, so that a request is judged as its
/// own server judges it.
pub(crate) fn settings(
    arguments: &ClusterArguments,
    layout: &Layout,
    configured: Option<&PluginConfiguration>,
) -> Result<ClusterSettings> {
    let names = configured.map(policy::of_nodes).unwrap_or_default();
    let server = match is_here(arguments, layout) {
        true => ServerSettings::find(layout)?,
        false => None,
    };
    Ok(match server {
        Some(server) => server.cluster(names),
        // Nothing here says who signs there.
        None => ClusterSettings {
            lifetime: LifetimePolicy::ANOTHER_SIGNER,
            ..names
        },
    })
}

/// Whether the cluster that is meant is the one that init made here.
pub(crate) fn is_here(arguments: &ClusterArguments, layout: &Layout) -> bool {
    match named(arguments, layout).as_slice() {
        [file] => is_same_file(file, &layout.admin_kubeconfig()),
        _ => false,
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let canonical = |file: &Path| std::fs::canonicalize(file).ok();
    canonical(one).is_some_and(|one| canonical(other) == Some(one))
}

/// How nodes are told of the cluster.
pub(crate) struct Described {
    /// The API server that nodes are told of first.
    pub(crate) servers: Vec<HostPort>,
    /// Pins of the CA, from cluster-info or, where it is left out there, from the connection's own trust.
    pub(crate) pins: Vec<CaPin>,
    pub(crate) published_ca: PublishedCa,
}

/// Reads cluster-info.
pub(crate) async fn described(client: &Client, layout: &Layout) -> Result<Described> {
    let config_maps: Api<ConfigMap> = Api::namespaced(client.clone(), "kube-public");
    let config_map = config_maps
        .get("cluster-info")
        .await
        .context("cannot read cluster-info")?;
    let text = config_map
        .data
        .unwrap_or_default()
        .remove("kubeconfig")
        .context("cluster-info holds no kubeconfig")?;
    let cluster_info =
        ClusterInfoKubeconfig::parse(text.as_bytes()).context("cluster-info cannot be used")?;
    let servers = cluster_info
        .endpoints()
        .iter()
        .take(1)
        .map(|url| url.host_port().clone())
        .collect();
    let (pins, published_ca) = match cluster_info.ca() {
        Some(ca) => (ca.pins(), PublishedCa::Included),
        None => (local_pins(layout)?, PublishedCa::Omitted),
    };
    Ok(Described {
        servers,
        pins,
        published_ca,
    })
}

fn local_pins(layout: &Layout) -> Result<Vec<CaPin>> {
    let file = layout.ca_certificate();
    let pem = std::fs::read(&file).with_context(|| {
        format!(
            "cluster-info holds no CA, and {} cannot be read to pin it",
            file.display()
        )
    })?;
    Ok(CaBundle::from_pem(&pem)
        .with_context(|| format!("{} holds no CA", file.display()))?
        .pins())
}

/// Refuses an API server that is too old for what nodes need, before anything is asked that it does not know.
pub(crate) async fn check_version(client: &Client) -> Result<()> {
    let version = client.apiserver_version().await;
    let version = version.context("cannot read the version of the API server")?;
    Ok(init::check_version(&version)?)
}

/// Whether the API server is the embedded one, which says so in its version.
pub(crate) async fn is_embedded(client: &Client) -> bool {
    client
        .apiserver_version()
        .await
        .is_ok_and(|version| version.git_version.contains("slipway"))
}
