//! Reading an administrator's kubeconfigs. kube does not read the files itself: it panics over some that are no text.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use slipway_bootstrap::connect::CertificateFailure;
use slipway_config::endpoint::ApiServerUrl;
use slipway_pki::ca::CaBundle;
use slipway_pki::certificate::Certificate;

use super::patience::Patience;
use crate::failure::{Code, Coded, Usage};
use crate::input;

/// The variable that names kubeconfigs, for every client of Kubernetes.
const VARIABLE: &str = "KUBECONFIG";

/// For a kubeconfig whose client certificate is over.
const RENEW: &str = "compare the clocks of both machines (`date -u`); if this one is right, use a kubeconfig that was renewed: on the \
                     control plane `slipway init phase kubeconfig` writes admin.conf anew, and in a cluster of kubeadm \
                     `kubeadm certs renew admin.conf`";

/// The files that the environment names; none where it names none.
pub(super) fn of_environment() -> Vec<PathBuf> {
    let value = std::env::var_os(VARIABLE).unwrap_or_default();
    std::env::split_paths(&value)
        .filter(|path| !path.as_os_str().is_empty())
        .collect()
}

/// A cluster that a kubeconfig leads to.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) server: ApiServerUrl,
    pub(crate) ca: CaBundle,
}

/// A client with the credentials of the current context of these files, merged as every client of Kubernetes does it.
pub(super) async fn client(files: &[PathBuf], patience: Patience) -> Result<Client> {
    let (config, names) = config(files).await?;
    let client = patience.client(config);
    Ok(client.map_err(|error| unusable(&names, &cannot(&error)))?)
}

/// The same, with what nodes have to be told of the cluster.
pub(super) async fn connection(file: &Path) -> Result<Connection> {
    let (config, name) = config(&[file.to_owned()]).await?;
    let url = config.cluster_url.to_string();
    let server = url.trim_end_matches('/').parse().map_err(|error| {
        unusable(
            &name,
            &format_args!("has a server that nodes cannot be told: {error}"),
        )
    })?;
    let certificates = config.root_cert.as_deref().unwrap_or_default();
    let ca = CaBundle::from_der(certificates).map_err(|error| {
        unusable(
            &name,
            &format_args!(
                "has no CA that nodes could be told (certificate-authority-data): {error}"
            ),
        )
    })?;
    let client = Patience::OF_A_PERSON.client(config);
    let client = client.map_err(|error| unusable(&name, &cannot(&error)))?;
    Ok(Connection { client, server, ca })
}

/// A client with the credentials of the pod that this process runs in.
pub(super) fn in_cluster(patience: Patience) -> Result<Client> {
    let config = Config::incluster().map_err(|error| {
        Usage::new(format!(
            "nothing says which cluster is meant, and this is no pod of one: {error}"
        ))
        .with_hint("give its --kubeconfig FILE")
    })?;
    Ok(patience.client(config)?)
}

/// What the files say, and their names for messages.
async fn config(files: &[PathBuf]) -> Result<(Config, String)> {
    let mut merged = Kubeconfig::default();
    for file in files {
        merged = merged
            .merge(read(file)?)
            .map_err(|error| unusable(&file.display(), &cannot(&error)))?;
    }
    let names: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let names = names.join(", ");
    let config = Config::from_custom_kubeconfig(merged, &KubeConfigOptions::default())
        .await
        .map_err(|error| unusable(&names, &cannot(&error)))?;
    if config.root_cert.as_ref().is_some_and(Vec::is_empty) {
        let reason = "its CA holds no certificate; expected -----BEGIN CERTIFICATE-----";
        return Err(unusable(&names, &cannot(&reason)).into());
    }
    check_client_certificate(&config.auth_info, &names)?;
    Ok((config, names))
}

/// A certificate that is over is refused here: an API server says of it no more than that it does not know who we are.
fn check_client_certificate(user: &AuthInfo, names: &str) -> Result<()> {
    let pem = match (&user.client_certificate_data, &user.client_certificate) {
        (Some(data), _) => STANDARD.decode(data.trim()).ok(),
        (None, Some(file)) => std::fs::read(file).ok(),
        (None, None) => None,
    };
    // What cannot be read is for the client to refuse.
    let pem = pem.and_then(|pem| String::from_utf8(pem).ok());
    let chain = pem.and_then(|pem| Certificate::list_from_pem(&pem).ok());
    let Some(not_after) = chain.and_then(|chain| Some(chain.first()?.not_after())) else {
        return Ok(());
    };
    let now = Timestamp::now();
    if now <= not_after {
        return Ok(());
    }
    let now = Timestamp::from_second(now.as_second())?;
    let over = CertificateFailure::Expired { not_after, now };
    let message =
        format!("the client certificate of the kubeconfig {names} cannot be used: {over}");
    Err(Coded::new(Code::Unauthorized, message, RENEW).into())
}

fn read(file: &Path) -> Result<Kubeconfig> {
    let contents = input::read(file)?;
    let text = std::str::from_utf8(&contents)
        .map_err(|_| unusable(&file.display(), &"is not UTF-8 text"))?;
    let mut kubeconfig = Kubeconfig::from_yaml(text.trim_start_matches('\u{feff}'))
        .map_err(|error| unusable(&file.display(), &why_not_read(&error)))?;
    resolve_paths(&mut kubeconfig, file.parent().unwrap_or(Path::new("")));
    Ok(kubeconfig)
}

fn unusable(file: &dyn Display, reason: &dyn Display) -> Usage {
    Usage::new(format!("the kubeconfig {file} {reason}"))
        .with_hint("give the kubeconfig of an administrator: --kubeconfig FILE")
}

fn cannot(reason: &dyn Display) -> String {
    format!("cannot be used: {reason}")
}

/// What kube says. Of an error in the YAML only the place: the error repeats what stands there, which may be a secret.
fn why_not_read(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(error) => {
            let place = error
                .location()
                .map(|place| format!(" (line {}, column {})", place.line(), place.column()))
                .unwrap_or_default();
            format!("is not YAML of the form that a kubeconfig has{place}")
        }
        error => cannot(error),
    }
}

/// Paths in a kubeconfig are relative to its folder; a command is, where it is a path.
fn resolve_paths(kubeconfig: &mut Kubeconfig, folder: &Path) {
    let resolve = |path: &mut Option<String>| {
        if let Some(path) = path {
            *path = folder.join(&*path).to_string_lossy().into_owned();
        }
    };
    for cluster in &mut kubeconfig.clusters {
        if let Some(cluster) = &mut cluster.cluster {
            resolve(&mut cluster.certificate_authority);
        }
    }
    for user in &mut kubeconfig.auth_infos {
        let Some(user) = &mut user.auth_info else {
            continue;
        };
        resolve(&mut user.client_certificate);
        resolve(&mut user.client_key);
        resolve(&mut user.token_file);
        if let Some(exec) = &mut user.exec
            && exec
                .command
                .as_ref()
                .is_some_and(|command| command.contains('/'))
        {
            resolve(&mut exec.command);
        }
    }
}
