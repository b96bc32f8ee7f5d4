//! The core group: what a cluster's bootstrap keeps in it.

use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Node, Secret, ServiceAccount};

use crate::patch::{Merge, MergeBy};
use crate::resource::definition::{STORED, normalise};
use crate::resource::{Definition, NameRule, Scope, Subresource};
use crate::table;

pub(super) static CONFIG_MAPS: Definition = Definition {
    group: "",
    version: "v1",
    kind: "ConfigMap",
    plural: "configmaps",
    singular: "configmap",
    short_names: &["cm"],
    scope: Scope::Namespaced,
    verbs: STORED,
    subresources: &[],
    name_rule: NameRule::Subdomain,
    needs_version: false,
    confidential: false,
    selectable_fields: &[],
    merge: &[],
    columns: &table::CONFIG_MAPS,
    normalise: normalise::<ConfigMap>,
};

pub(super) static EVENTS: Definition = Definition {
    group: "",
    version: "v1",
    kind: "Event",
    plural: "events",
    singular: "event",
    short_names: &["ev"],
    scope: Scope::Namespaced,
    verbs: STORED,
    subresources: &[],
    name_rule: NameRule::Subdomain,
    needs_version: false,
    confidential: false,
    selectable_fields: &[
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ],
    merge: &[],
    columns: &table::EVENTS,
    normalise: normalise::<Event>,
};

pub(in crate::resource) static NAMESPACES: Definition = Definition {
    group: "",
    version: "v1",
    kind: "Namespace",
    plural: "namespaces",
    singular: "namespace",
    short_names: &["ns"],
    scope: Scope::Cluster,
    verbs: STORED,
    subresources: &[Subresource::Status],
    name_rule: NameRule::Label,
    needs_version: false,
    confidential: false,
    selectable_fields: &["status.phase"],
    merge: &[Merge {
        path: "status.conditions",
        by: MergeBy::Key("type"),
    }],
    columns: &table::NAMESPACES,
    normalise: normalise::<Namespace>,
};

pub(super) static NODES: Definition = Definition {
    group: "",
    version: "v1",
    kind: "Node",
    plural: "nodes",
    singular: "node",
    short_names: &["no"],
    scope: Scope::Cluster,
    verbs: STORED,
    subresources: &[Subresource::Status],
    name_rule: NameRule::Subdomain,
    needs_version: false,
    confidential: false,
    selectable_fields: &["spec.unschedulable"],
    merge: &[
        Merge {
            path: "spec.podCIDRs",
            by: MergeBy::Value,
        },
        Merge {
            path: "status.addresses",
            by: MergeBy::Key("type"),
        },
        Merge {
            path: "status.conditions",
            by: MergeBy::Key("type"),
        },
    ],
    columns: &table::NODES,
    normalise: normalise::<Node>,
};

pub(super) static SECRETS: Definition = Definition {
    group: "",
    version: "v1",
    kind: "Secret",
    plural: "secrets",
    singular: "secret",
    short_names: &[],
    scope: Scope::Namespaced,
    verbs: STORED,
    subresources: &[],
    name_rule: NameRule::Subdomain,
    needs_version: false,
    confidential: true,
    selectable_fields: &["type"],
    merge: &[],
    columns: &table::SECRETS,
    normalise: normalise::<Secret>,
};

pub(super) static SERVICE_ACCOUNTS: Definition = Definition {
    group: "",
    version: "v1",
    kind: "ServiceAccount",
    plural: "serviceaccounts",
    singular: "serviceaccount",
    short_names: &["sa"],
    scope: Scope::Namespaced,
    verbs: STORED,
    subresources: &[],
    name_rule: NameRule::Subdomain,
    needs_version: false,
    confidential: false,
    selectable_fields: &[],
    merge: &[
        Merge {
            path: "imagePullSecrets",
            by: MergeBy::Key("name"),
        },
        Merge {
            path: "secrets",
            by: MergeBy::Key("name"),
        },
    ],
    columns: &table::SERVICE_ACCOUNTS,
    normalise: normalise::<ServiceAccount>,
};
