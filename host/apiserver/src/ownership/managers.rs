//! `metadata.managedFields`: which manager owns which fields.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry, Time};
use serde_json::Value;

use super::fields::Fields;

/// How many managers that update are remembered one by one.
const UPDATERS: usize = 10;

/// Who owns what the oldest of them owned.
const ANCIENT: &str = "ancient-changes";

/// Who writes, in which way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manager {
    /// By which operation.
    pub(crate) operation: Operation,
    /// The name.
    pub(crate) name: String,
    /// `v1` or `group/v1`.
    pub(crate) api_version: String,
    /// Through which door; empty for the object itself.
    pub(crate) subresource: String,
}

/// How a manager writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// By configurations.
    Apply,
    /// In any other way.
    Update,
}

/// What a manager owns, and since when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Owned {
    pub(super) fields: Fields,
    pub(super) time: Option<Time>,
}

/// All managers of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Managers(pub(super) BTreeMap<Manager, Owned>);

impl Managers {
    /// From an object's entries; none where there are no entries, or where one cannot be read.
    pub(super) fn read(entries: Option<&Value>) -> Option<Self> {
        let entries: Vec<ManagedFieldsEntry> = serde_json::from_value(entries?.clone()).ok()?;
        let managers = entries
            .into_iter()
            .map(read_entry)
            .collect::<Option<BTreeMap<_, _>>>()?;
        Some(Self(managers)).filter(|managers| !managers.0.is_empty())
    }

    /// As an object's entries: appliers first, then by time.
    pub(super) fn to_entries(&self) -> Value {
        let mut all: Vec<(&Manager, &Owned)> = self.0.iter().collect();
        all.sort_by_key(|(manager, owned)| {
            (manager.operation, owned.time.clone(), manager.name.clone())
        });
        let entries: Vec<Value> = all
            .into_iter()
            .filter_map(|(manager, owned)| serde_json::to_value(entry(manager, owned)).ok())
            .collect();
        entries.into()
    }

    /// Everything that anybody owns.
    pub(super) fn everything(&self) -> Fields {
        self.0
            .values()
            .fold(Fields::default(), |all, owned| all.union(&owned.fields))
    }

    /// Changes what a manager owns; who owns nothing is forgotten.
    pub(super) fn set(&mut self, manager: &Manager, owned: Owned) {
        if owned.fields.is_empty() {
            self.0.remove(manager);
        } else {
            self.0.insert(manager.clone(), owned);
        }
    }

    /// Takes fields from everybody.
    pub(super) fn take(&mut self, fields: &Fields) {
        for owned in self.0.values_mut() {
            owned.fields = owned.fields.difference(fields);
        }
        self.0.retain(|_, owned| !owned.fields.is_empty());
    }

    /// Puts the oldest updates together when there are too many to remember.
    pub(super) fn forget_ancient(&mut self) {
        let mut updaters: Vec<Manager> = self
            .0
            .keys()
            .filter(|manager| manager.operation == Operation::Update)
            .cloned()
            .collect();
        if updaters.len() <= UPDATERS {
            return;
        }
        updaters.sort_by_key(|manager| self.0.get(manager).and_then(|owned| owned.time.clone()));
        // One more than are too many, because together they are one.
        let ancient = updaters.len() - UPDATERS + 1;
        for old in updaters.into_iter().take(ancient) {
            let bucket = Manager {
                name: ANCIENT.to_owned(),
                subresource: String::new(),
                ..old.clone()
            };
            if let Some(owned) = self.0.remove(&old) {
                let fields = match self.0.get(&bucket) {
                    Some(others) => others.fields.union(&owned.fields),
                    None => owned.fields,
                };
                self.0.insert(
                    bucket,
                    Owned {
                        fields,
                        time: owned.time,
                    },
                );
            }
        }
    }
}

fn read_entry(entry: ManagedFieldsEntry) -> Option<(Manager, Owned)> {
    let operation = match entry.operation.as_deref() {
        Some("Apply") => Operation::Apply,
        Some("Update") => Operation::Update,
        _ => return None,
    };
    let manager = Manager {
        operation,
        name: entry.manager.unwrap_or_default(),
        api_version: entry.api_version.unwrap_or_default(),
        subresource: entry.subresource.unwrap_or_default(),
    };
    let fields = match entry.fields_v1 {
        Some(FieldsV1(json)) => Fields::from_json(&json)?,
        None => Fields::default(),
    };
    let owned = Owned {
        fields,
        time: entry.time,
    };
    Some((manager, owned))
}

fn entry(manager: &Manager, owned: &Owned) -> ManagedFieldsEntry {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let operation = match manager.operation {
        Operation::Apply => "Apply",
        Operation::Update => "Update",
    };
    ManagedFieldsEntry {
        api_version: some(&manager.api_version),
        fields_type: some("FieldsV1"),
        fields_v1: Some(FieldsV1(owned.fields.to_json())),
        manager: some(&manager.name),
        operation: some(operation),
        subresource: some(&manager.subresource),
        time: owned.time.clone(),
    }
}
