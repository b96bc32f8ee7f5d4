//! What every server has from its first start on: the system's namespaces, and the roles and bindings
//! that Kubernetes' users expect. What somebody changed stays as it is.

use std::fmt::Debug;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::PostParams;
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ApiServer;
use crate::authentication::UserInfo;
use crate::authorization::defaults;

/// The namespaces that a kube-apiserver makes.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// One of the objects could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the {kind} {name:?}, which every server has, cannot be made")]
pub struct DefaultsError {
    kind: String,
    name: String,
    source: kube::Error,
}

/// Makes what is absent.
pub(super) async fn ensure(server: &ApiServer) -> Result<(), DefaultsError> {
    let client = server.client(UserInfo::controller("apiserver"));
    for name in NAMESPACES {
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.to_owned());
        create(&client, &namespace).await?;
    }
    for role in defaults::cluster_roles() {
        create(&client, &role).await?;
    }
    for binding in defaults::cluster_role_bindings() {
        create(&client, &binding).await?;
    }
    Ok(())
}

async fn create<K>(client: &Client, object: &K) -> Result<(), DefaultsError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    let api: Api<K> = Api::all(client.clone());
    match api.create(&PostParams::default(), object).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        Err(source) => Err(DefaultsError {
            kind: K::kind(&()).into_owned(),
            name: object.name_any(),
            source,
        }),
    }
}
