//! Objects that `init` wants in the cluster, as values; and the one effect that brings them there, as often as it is run.

use k8s_openapi::Metadata;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::core::NamespaceResourceScope;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::connect::RequestFailure;

/// Attempts against somebody who changes the same object at the same time.
const ATTEMPTS: usize = 5;

/// An object as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    resource: ApiResource,
    namespace: Option<String>,
    name: String,
    value: Value,
    policy: Policy,
}

/// What becomes of an object that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// It is left as it is.
    CreateOnly,
    /// What we want in it is put there; keys of `data`, labels and annotations that others added stay.
    Reconcile,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It was not there.
    Created,
    /// It was there, and differed.
    Updated,
    /// It was there as wanted, or was to be left alone.
    Unchanged,
}

/// An object could not be brought into the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The API refused.
    #[error("cannot {action} {object}: {source}")]
    Request {
        /// `create`, `update`, `read`.
        action: &'static str,
        /// The object, as `Kind namespace/name`.
        object: String,
        /// What the API said.
        #[source]
        source: RequestFailure,
    },
    /// A binding of that name binds another role; which role it binds cannot be changed.
    #[error(
        "{object} exists and binds another role than {wanted}; a binding's role cannot be changed"
    )]
    OtherRole {
        /// The binding.
        object: String,
        /// The role that it should bind.
        wanted: String,
    },
    /// The object cannot be written as JSON.
    #[error("{object} cannot be encoded: {reason}")]
    Encoding {
        /// The object.
        object: String,
        /// Why.
        reason: String,
    },
}

impl Wanted {
    /// An object without a namespace of its own.
    pub(super) fn cluster<K>(object: &K, policy: Policy) -> Result<Self, ObjectError>
    where
        K: kube::Resource<DynamicType = ()> + Serialize + Metadata<Ty = ObjectMeta>,
    {
        Self::new(object, policy)
    }

    /// An object in a namespace.
    pub(super) fn namespaced<K>(object: &K, policy: Policy) -> Result<Self, ObjectError>
    where
        K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Serialize
            + Metadata<Ty = ObjectMeta>,
    {
        Self::new(object, policy)
    }

    fn new<K>(object: &K, policy: Policy) -> Result<Self, ObjectError>
    where
        K: kube::Resource<DynamicType = ()> + Serialize + Metadata<Ty = ObjectMeta>,
    {
        let resource = ApiResource::erase::<K>(&());
        let metadata = Metadata::metadata(object);
        let name = metadata.name.clone().unwrap_or_default();
        let value = serde_json::to_value(object).map_err(|error| ObjectError::Encoding {
            object: format!("{} {name}", resource.kind),
            reason: error.to_string(),
        })?;
        Ok(Self {
            resource,
            namespace: metadata.namespace.clone(),
            name,
            value,
            policy,
        })
    }

    /// The object in full, as it would be sent. A Secret's data is in it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The object for display: what a Secret holds is left out.
    pub fn redacted(&self) -> Value {
        let mut value = self.value.clone();
        if self.resource.kind == "Secret" {
            for key in ["data", "stringData"] {
                if let Some(Value::Object(data)) = value.get_mut(key) {
                    data.values_mut()
                        .for_each(|secret| *secret = Value::String("(not shown)".to_owned()));
                }
            }
        }
        value
    }

    /// `Kind namespace/name`.
    pub fn title(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.resource.kind, self.name),
            None => format!("{} {}", self.resource.kind, self.name),
        }
    }

    /// Brings the object into the cluster.
    pub async fn apply(&self, client: &kube::Client) -> Result<Applied, ObjectError> {
        let api: Api<DynamicObject> = match &self.namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &self.resource),
            None => Api::all_with(client.clone(), &self.resource),
        };
        let object = self.encode(self.value.clone())?;
        let mut last = match api.create(&PostParams::default(), &object).await {
            Ok(_) => return Ok(Applied::Created),
            Err(error) => RequestFailure::from(error),
        };
        if !matches!(last, RequestFailure::Conflict(_)) {
            return Err(self.failed("create", last));
        }
        if self.policy == Policy::CreateOnly {
            return Ok(Applied::Unchanged);
        }
        for _ in 0..ATTEMPTS {
            let found = api
                .get(&self.name)
                .await
                .map_err(|error| self.failed("read", error.into()))?;
            let found = serde_json::to_value(found).map_err(|error| self.not_encodable(&error))?;
            self.check_role(&found)?;
            let merged = merged(&found, &self.value);
            if merged == found {
                return Ok(Applied::Unchanged);
            }
            match api
                .replace(&self.name, &PostParams::default(), &self.encode(merged)?)
                .await
            {
                Ok(_) => return Ok(Applied::Updated),
                Err(error) => last = error.into(),
            }
            if !matches!(last, RequestFailure::Conflict(_)) {
                break;
            }
        }
        Err(self.failed("update", last))
    }

    fn check_role(&self, found: &Value) -> Result<(), ObjectError> {
        let role = |value: &Value| {
            let role = value.get("roleRef")?;
            Some(format!(
                "{} {}",
                role.get("kind")?.as_str()?,
                role.get("name")?.as_str()?
            ))
        };
        match role(&self.value) {
            Some(wanted) if role(found).as_ref() != Some(&wanted) => Err(ObjectError::OtherRole {
                object: self.title(),
                wanted,
            }),
            _ => Ok(()),
        }
    }

    fn encode(&self, value: Value) -> Result<DynamicObject, ObjectError> {
        serde_json::from_value(value).map_err(|error| self.not_encodable(&error))
    }

    fn not_encodable(&self, error: &serde_json::Error) -> ObjectError {
        ObjectError::Encoding {
            object: self.title(),
            reason: error.to_string(),
        }
    }

    fn failed(&self, action: &'static str, source: RequestFailure) -> ObjectError {
        ObjectError::Request {
            action,
            object: self.title(),
            source,
        }
    }
}

/// What was found, with what is wanted put over it.
fn merged(found: &Value, wanted: &Value) -> Value {
    let (Value::Object(found), Value::Object(wanted)) = (found, wanted) else {
        return wanted.clone();
    };
    let mut result = found.clone();
    for (key, value) in wanted {
        match key.as_str() {
            "apiVersion" | "kind" | "status" => {}
            "metadata" => {
                let metadata = result
                    .entry("metadata")
                    .or_insert_with(|| Value::Object(Map::new()));
                for key in ["labels", "annotations"] {
                    overlay(metadata, key, value.get(key));
                }
            }
            "data" => {
                let mut holder = Value::Object(std::mem::take(&mut result));
                overlay(&mut holder, "data", Some(value));
                if let Value::Object(holder) = holder {
                    result = holder;
                }
            }
            _ => {
                result.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(result)
}

/// Puts the entries of a map over those of the map at `key`.
fn overlay(holder: &mut Value, key: &str, entries: Option<&Value>) {
    let (Some(Value::Object(entries)), Value::Object(holder)) = (entries, holder) else {
        return;
    };
    let target = holder
        .entry(key)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(target) = target {
        target.extend(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_put_beside_ours_stays() {
        let found = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "cluster-info", "resourceVersion": "7", "labels": {"theirs": "1"}},
            "data": {"kubeconfig": "old", "jws-kubeconfig-abcdef": "signature"}
        });
        let wanted = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "cluster-info", "labels": {"ours": "2"}},
            "data": {"kubeconfig": "new"}
        });
        let merged = merged(&found, &wanted);
        assert_eq!(
            merged["data"],
            json!({"kubeconfig": "new", "jws-kubeconfig-abcdef": "signature"})
        );
        assert_eq!(
            merged["metadata"]["labels"],
            json!({"theirs": "1", "ours": "2"})
        );
        assert_eq!(merged["metadata"]["resourceVersion"], "7");
    }

    #[test]
    fn lists_are_replaced_whole() {
        let found = json!({"rules": [{"verbs": ["*"]}, {"verbs": ["get"]}]});
        let wanted = json!({"rules": [{"verbs": ["get"]}]});
        assert_eq!(
            merged(&found, &wanted)["rules"],
            json!([{"verbs": ["get"]}])
        );
    }
}
