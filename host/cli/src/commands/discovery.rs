//! `slipway discovery`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use slipway_bootstrap::discovery_service::{self, Cluster};
use slipway_bootstrap::layout::Layout;
use slipway_config::endpoint::Host;
use slipway_config::pin::CaPin;
use slipway_pki::ca::CaBundle;

use crate::arguments::{DiscoveryArguments, DiscoveryCommand, DiscoveryServeArguments};
use crate::cluster;
use crate::output::Printer;
use crate::server;

pub(super) async fn run(
    arguments: DiscoveryArguments,
    layout: Layout,
    printer: Printer,
) -> Result<()> {
    match arguments.command {
        DiscoveryCommand::Serve(arguments) => serve(arguments, layout, printer).await,
    }
}

async fn serve(arguments: DiscoveryServeArguments, layout: Layout, printer: Printer) -> Result<()> {
    let client = cluster::client(&arguments.cluster, &layout).await?;
    let ca = std::fs::read(layout.ca_certificate())
        .ok()
        .map(|pem| CaBundle::from_pem(&pem))
        .transpose()?;
    // Only what is printed depends on it.
    let invitation = invitation(&client, &layout).await.ok();
    let router = discovery_service::router(Arc::new(Cluster::new(client, ca)))?;
    let certificate = arguments
        .tls_cert_file
        .unwrap_or_else(|| layout.apiserver_certificate());
    let key = arguments
        .tls_key_file
        .unwrap_or_else(|| layout.apiserver_key());
    let tls = tls(&certificate, &key)?;
    let listener = server::listen(&arguments.listen).await?;
    let address = listener.local_addr()?;
    printer.note(format!("answering on {address}"));
    if let Some(invitation) = invitation {
        printer.note(format!("nodes use: {}", invitation.command(address)));
    }
    discovery_service::serve(listener, router, tls, server::shutdown()?).await;
    Ok(())
}

/// What nodes need to know to use the service.
struct Invitation {
    /// An address of this machine as nodes know it.
    host: Host,
    pins: Vec<CaPin>,
}

async fn invitation(client: &kube::Client, layout: &Layout) -> Result<Invitation> {
    let described = cluster::described(client, layout).await?;
    let server = described
        .servers
        .first()
        .context("cluster-info names no API server")?;
    Ok(Invitation {
        host: server.host().clone(),
        pins: described.pins,
    })
}

impl Invitation {
    fn command(&self, listening: SocketAddr) -> String {
        // Nobody can dial "every address": the API server's is one that nodes reach this machine, or its neighbour, at.
        let host = match listening.ip().is_unspecified() {
            true => self.host.clone(),
            false => Host::Ip(listening.ip()),
        };
        let pins = self.pins.iter();
        let pins: String = pins
            .map(|pin| format!(" --discovery-token-ca-cert-hash {pin}"))
            .collect();
        format!(
            "slipway join discovery://{host}:{} --token-file FILE{pins}",
            listening.port()
        )
    }
}

fn tls(certificate: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("{} holds no certificate", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("{} holds no key", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| format!("{} cannot be used", certificate.display()))?;
    Ok(Arc::new(config))
}
