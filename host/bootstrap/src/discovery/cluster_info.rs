//! Reading cluster-info over a verified connection: to fill in a CA that a document left out, and to confirm what is about
//! to be believed.

use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use slipway_pki::decision::trust::{Accepted, VerifiedTrust};
use slipway_pki::kubeconfig::ClusterInfoKubeconfig;

use super::source::Opened;
use super::{DiscoveryFailure, FetchError, Request, trust_roots};
use crate::connect::{
    self, Authorities, ConnectError, Connections, Credentials, RequestFailure, Route,
};
use crate::progress::{Event, Progress};

/// cluster-info for a document without a CA, from an API server that this machine's trust roots vouch for, as for any web
/// server: so it proves as much as a document from a web server does, and no more.
///
/// It is read without credentials where the cluster allows that, else with the document's own. A bearer token, which the
/// server would learn, goes only where the operator accepted to believe the server on those roots alone.
pub(super) async fn fill_in(
    request: &Request,
    opened: &Opened,
    routes: &[Route],
) -> Result<ClusterInfoKubeconfig, DiscoveryFailure> {
    let document = || opened.name.clone();
    let roots = trust_roots(request.https_roots.as_ref()).map_err(|reason| {
        DiscoveryFailure::from(FetchError::NoRoots {
            url: format!("the API server in {}", opened.name),
            reason,
        })
    })?;
    let is_enough =
        request.pins.is_empty() && request.accepted.contains(&Accepted::HttpsWithoutPin);
    let credentials = opened
        .credentials
        .as_ref()
        .filter(|credentials| is_enough || !credentials.are_revealed());
    let authorities = Authorities::Machine(Arc::new(roots));
    let text = read(credentials, |credentials| {
        connect::client(routes, authorities.clone(), credentials)
    })
    .await?
    .map_err(|source| DiscoveryFailure::FillIn {
        document: document(),
        source,
    })?
    .ok_or_else(|| DiscoveryFailure::NoClusterInfo {
        document: document(),
    })?;
    ClusterInfoKubeconfig::parse(text.as_bytes()).map_err(|source| {
        DiscoveryFailure::BadClusterInfo {
            document: document(),
            source,
        }
    })
}

/// Fetches cluster-info over connections verified with the CA that was just established: it must be what was signed,
/// and brings the CA certificates that were not pinned.
///
/// Where nothing of cluster-info was signed (a file, a web server, the service of 2016), a cluster that does not show it
/// is no error.
pub(super) async fn confirm(
    trust: VerifiedTrust,
    connections: &Connections,
    credentials: Option<&Credentials>,
    required: bool,
    progress: &dyn Progress,
) -> Result<VerifiedTrust, DiscoveryFailure> {
    match read(credentials, |credentials| connections.client(credentials)).await? {
        Ok(Some(document)) => Ok(trust.confirm(document.as_bytes())?),
        Ok(None) if required => Err(DiscoveryFailure::ClusterInfoGone),
        Err(failure) if required || failure.is_transient() => {
            Err(DiscoveryFailure::Confirmation(failure))
        }
        Ok(None) | Err(_) => {
            let note = "the cluster does not show cluster-info; the CA is taken as it was given";
            progress.event(Event::Note(note.to_owned()));
            Ok(trust)
        }
    }
}

/// The kubeconfig in cluster-info; none where the ConfigMap or the key is missing. Most clusters show it to strangers; one
/// that does not is asked with the credentials.
async fn read(
    credentials: Option<&Credentials>,
    client: impl Fn(&Credentials) -> Result<kube::Client, ConnectError>,
) -> Result<Result<Option<String>, RequestFailure>, DiscoveryFailure> {
    let mut read = Err(RequestFailure::Unauthorized(String::new()));
    for credentials in [Some(&Credentials::Anonymous), credentials]
        .into_iter()
        .flatten()
    {
        read = get(&client(credentials)?).await;
        let is_refused = matches!(
            read,
            Err(RequestFailure::Unauthorized(_) | RequestFailure::Forbidden(_))
        );
        if !is_refused {
            break;
        }
    }
    Ok(read)
}

async fn get(client: &kube::Client) -> Result<Option<String>, RequestFailure> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "kube-public");
    let config_map = match api.get("cluster-info").await.map_err(RequestFailure::from) {
        Err(RequestFailure::NotFound(_)) => return Ok(None),
        other => other?,
    };
    Ok(config_map
        .data
        .and_then(|mut data| data.remove("kubeconfig")))
}
