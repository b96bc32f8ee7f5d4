//! Slipway's own records in the cluster: ConfigMaps in [`NAMESPACE`], each written only over what was read.
//!
//! A write names the resourceVersion that it was made from, and whoever was slower is told so (Kubernetes' API
//! conventions, "Concurrency Control and Consistency"). What a record means is the business of its kind.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DeleteParams, ListParams, PostParams, Preconditions};

use crate::error::{During as _, Error};
use crate::system::{self, NAMESPACE};

/// A kind of record.
pub(crate) trait Record: Sized {
    /// All of them, as messages name them: `the token ledgers`.
    const ALL: &'static str;
    /// The label by which they are found.
    const LABEL: &'static str;
    /// Whether one is made and removed, and never changed.
    const IMMUTABLE: bool;

    /// The name of the ConfigMap.
    fn name(&self) -> String;

    /// The value of [`LABEL`](Self::LABEL).
    fn label(&self) -> String;

    /// The record as the data of a ConfigMap.
    fn to_data(&self) -> Result<BTreeMap<String, String>, serde_json::Error>;

    /// What the data of a ConfigMap say; otherwise what is wrong with them, in words.
    fn from_data(data: &BTreeMap<String, String>) -> Result<Self, String>;
}

/// A record as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Stored<R> {
    pub(crate) record: R,
    object: ConfigMap,
}

/// The records of one kind. Cheap to clone.
pub(crate) struct Records<R> {
    objects: Api<ConfigMap>,
    client: kube::Client,
    kind: PhantomData<fn() -> R>,
}

impl<R: Record> Records<R> {
    pub(crate) fn new(client: kube::Client) -> Self {
        Self {
            objects: Api::namespaced(client.clone(), NAMESPACE),
            client,
            kind: PhantomData,
        }
    }

    /// The record of this name, if there is one.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<Stored<R>>, Error> {
        let object = self.objects.get_opt(name).await;
        let object = object.during("read", title(name))?;
        object.map(Stored::read).transpose()
    }

    /// Those that a label selector finds.
    pub(crate) async fn list(&self, selector: &str) -> Result<Vec<Stored<R>>, Error> {
        let selected = ListParams::default().labels(selector);
        let found = self.objects.list(&selected).await.during("list", R::ALL)?;
        found.items.into_iter().map(Stored::read).collect()
    }

    /// Makes a record; none where there is one of its name. On disk when this returns.
    pub(crate) async fn create(&self, record: &R) -> Result<Option<Stored<R>>, Error> {
        let name = record.name();
        let object = ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                labels: Some(system::labels([(R::LABEL, record.label())])),
                ..ObjectMeta::default()
            },
            data: Some(data(record)?),
            immutable: R::IMMUTABLE.then_some(true),
            ..ConfigMap::default()
        };
        let create = async || {
            let made = self.objects.create(&PostParams::default(), &object).await;
            made.during("create", title(&name))
        };
        let mut made = create().await;
        if made.as_ref().is_err_and(Error::is_not_found) {
            system::ensure_namespace(&self.client).await?;
            made = create().await;
        }
        unless_conflict(made)?.map(Stored::read).transpose()
    }

    /// Puts `record` in the place of what was read; none where that was changed since.
    pub(crate) async fn replace(
        &self,
        stored: Stored<R>,
        record: &R,
    ) -> Result<Option<Stored<R>>, Error> {
        let name = record.name();
        let mut object = stored.object;
        object.data = Some(data(record)?);
        let replaced = self
            .objects
            .replace(&name, &PostParams::default(), &object)
            .await
            .during("update", title(&name));
        unless_conflict(replaced)?.map(Stored::read).transpose()
    }

    /// Removes what is as it was read. What was changed since stays.
    pub(crate) async fn remove(&self, stored: &Stored<R>) -> Result<(), Error> {
        let name = stored.record.name();
        let metadata = &stored.object.metadata;
        let unchanged = DeleteParams {
            preconditions: Some(Preconditions {
                resource_version: metadata.resource_version.clone(),
                uid: metadata.uid.clone(),
            }),
            ..DeleteParams::default()
        };
        let removed = self.objects.delete(&name, &unchanged).await;
        match removed.during("delete", title(&name)) {
            Err(error) if error.is_conflict() || error.is_not_found() => Ok(()),
            removed => removed.map(drop),
        }
    }
}

impl<R: Record> Stored<R> {
    /// When it was made.
    pub(crate) fn created(&self) -> Option<Timestamp> {
        let created = self.object.metadata.creation_timestamp.as_ref();
        created.map(|time| time.0)
    }

    fn read(object: ConfigMap) -> Result<Self, Error> {
        let name = object.metadata.name.as_deref().unwrap_or_default();
        let record = match &object.data {
            Some(data) => R::from_data(data),
            None => R::from_data(&BTreeMap::new()),
        };
        let record = record
            .and_then(|record| match record.name() {
                own if own == name => Ok(record),
                other => Err(format!("it is what {other} should be")),
            })
            .map_err(|reason| damaged(name, reason))?;
        Ok(Self { record, object })
    }
}

impl<R> Clone for Records<R> {
    fn clone(&self) -> Self {
        Self {
            objects: self.objects.clone(),
            client: self.client.clone(),
            kind: PhantomData,
        }
    }
}

/// The value of a key that every record of the kind has.
pub(crate) fn required<'a>(
    data: &'a BTreeMap<String, String>,
    key: &str,
) -> Result<&'a String, String> {
    data.get(key)
        .ok_or_else(|| format!("it has no key {key:?}"))
}

/// A record that does not hold what it should.
pub(crate) fn damaged(name: &str, reason: impl Into<String>) -> Error {
    Error::Damaged {
        object: title(name),
        reason: reason.into(),
    }
}

/// A record as messages name it.
pub(crate) fn title(name: &str) -> String {
    format!("ConfigMap {NAMESPACE}/{name}")
}

fn data<R: Record>(record: &R) -> Result<BTreeMap<String, String>, Error> {
    record
        .to_data()
        .map_err(|error| damaged(&record.name(), error.to_string()))
}

fn unless_conflict<T>(written: Result<T, Error>) -> Result<Option<T>, Error> {
    match written {
        Err(error) if error.is_conflict() => Ok(None),
        written => written.map(Some),
    }
}
