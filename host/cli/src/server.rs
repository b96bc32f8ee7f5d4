//! The server as a process of its own: what it is started with, how it is started and stopped.

mod process;
mod settings;

use anyhow::{Context as _, Result};
use slipway_bootstrap::files::Files;
use slipway_config::endpoint::HostPort;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub(crate) use process::{Running, Started, is_running, start, stop};
pub(crate) use settings::{ServerSettings, free_port, plugins_path};

/// Listens where it was asked for; a host name is looked up first.
pub(crate) async fn listen(at: &HostPort) -> Result<TcpListener> {
    let address = tokio::net::lookup_host((at.host().to_unbracketed(), at.port()))
        .await
        .with_context(|| format!("cannot find {at}"))?
        .next()
        .with_context(|| format!("{at} has no address"))?;
    Ok(slipway_apiserver::serve::bind(address).await?)
}

/// Cancelled when somebody wants this process to end.
pub(crate) fn shutdown() -> Result<CancellationToken> {
    let shutdown = CancellationToken::new();
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let told = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told.cancel();
    });
    Ok(shutdown)
}

/// Puts what a server makes while it runs into the manifest, so that reset removes it.
pub(crate) fn adopt(files: &mut Files) -> Result<()> {
    let layout = files.layout().clone();
    for file in [
        layout.store(),
        process::pid_path(&layout),
        process::log_path(&layout),
    ] {
        files.adopt(&file)?;
    }
    for folder in [layout.decision_log(), layout.plugin_cache()] {
        files.adopt_folder(&folder)?;
    }
    Ok(())
}
