//! The core group: what a cluster's bootstrap keeps in it.

use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Node, Secret, ServiceAccount};

use crate::ownership::{Shape, Shapes};
use crate::patch::{Merge, MergeBy};
use crate::resource::{Definition, NameRule, Subresource};
use crate::table;

pub(super) static CONFIG_MAPS: Definition = Definition {
    short_names: &["cm"],
    ..Definition::stored::<ConfigMap>(&table::CONFIG_MAPS)
};

pub(super) static EVENTS: Definition = Definition {
    short_names: &["ev"],
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
    shapes: Shapes(&[
        ("involvedObject", Shape::Atomic),
        ("related", Shape::Atomic),
    ]),
    ..Definition::stored::<Event>(&table::EVENTS)
};

pub(in crate::resource) static NAMESPACES: Definition = Definition {
    short_names: &["ns"],
    returns_deleted: true,
    subresources: &[Subresource::Status],
    name_rule: NameRule::Label,
    selectable_fields: &["status.phase"],
    merge: &[Merge {
        path: "status.conditions",
        by: MergeBy::Key("type"),
    }],
    shapes: Shapes(&[("status.conditions", Shape::Keyed("type"))]),
    ..Definition::stored::<Namespace>(&table::NAMESPACES)
};

pub(super) static NODES: Definition = Definition {
    short_names: &["no"],
    subresources: &[Subresource::Status],
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
    shapes: Shapes(&[
        ("spec.podCIDRs", Shape::Set),
        ("status.addresses", Shape::Keyed("type")),
        ("status.conditions", Shape::Keyed("type")),
    ]),
    ..Definition::stored::<Node>(&table::NODES)
};

pub(super) static SECRETS: Definition = Definition {
    confidential: true,
    selectable_fields: &["type"],
    ..Definition::stored::<Secret>(&table::SECRETS)
};

pub(super) static SERVICE_ACCOUNTS: Definition = Definition {
    short_names: &["sa"],
    returns_deleted: true,
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
    shapes: Shapes(&[
        ("secrets", Shape::Keyed("name")),
        ("secrets[]", Shape::Atomic),
    ]),
    ..Definition::stored::<ServiceAccount>(&table::SERVICE_ACCOUNTS)
};
