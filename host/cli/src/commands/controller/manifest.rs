//! What runs the controllers in a cluster, hardened, with the roles that they need and no more.

use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, EmptyDirVolumeSource, HTTPGetAction, Namespace, PodSecurityContext,
    PodSpec, PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile, SecretVolumeSource,
    SecurityContext, ServiceAccount, Volume, VolumeMount,
};
use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, Role, RoleBinding, RoleRef, Subject,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Serialize;
use slipway_controller::permissions::{self, Duties, Permissions};
use slipway_controller::system::NAMESPACE;

use crate::arguments::ManifestArguments;
use crate::output::Printer;

const NAME: &str = permissions::ROLE;
const STATE: &str = "/var/lib/slipway";
const CA: &str = "/etc/slipway/ca";
const PORT: i32 = 10270;
/// A user of no machine and no image.
const USER: i64 = 65532;
const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn print(arguments: &ManifestArguments, printer: Printer) -> Result<()> {
    let objects = objects(arguments)?;
    let documents = objects
        .iter()
        .map(serde_saphyr::to_string)
        .collect::<Result<Vec<_>, _>>()?;
    printer.answer(&objects, |_| documents.join("---\n"))?;
    Ok(())
}

fn objects(arguments: &ManifestArguments) -> Result<Vec<serde_json::Value>> {
    let mut objects = vec![
        value(&Namespace {
            metadata: metadata(NAMESPACE, None),
            ..Namespace::default()
        })?,
        value(&ServiceAccount {
            metadata: metadata(NAME, Some(NAMESPACE)),
            ..ServiceAccount::default()
        })?,
    ];
    let duties = Duties {
        mirror_tokens: arguments.mirror_tokens,
    };
    for permissions in permissions::needed(duties) {
        objects.extend(role(permissions)?);
    }
    objects.push(value(&deployment(arguments))?);
    Ok(objects)
}

/// A role and its binding to the controllers.
fn role(Permissions { namespace, rules }: Permissions) -> Result<[serde_json::Value; 2]> {
    let reference = |kind: &str| RoleRef {
        api_group: Some(RBAC.to_owned()),
        kind: kind.to_owned(),
        name: NAME.to_owned(),
    };
    let subjects = Some(vec![Subject {
        kind: "ServiceAccount".to_owned(),
        name: NAME.to_owned(),
        namespace: Some(NAMESPACE.to_owned()),
        ..Subject::default()
    }]);
    let metadata = metadata(NAME, namespace);
    Ok(match namespace {
        None => [
            value(&ClusterRole {
                metadata: metadata.clone(),
                rules: Some(rules),
                ..ClusterRole::default()
            })?,
            value(&ClusterRoleBinding {
                metadata,
                role_ref: reference("ClusterRole"),
                subjects,
            })?,
        ],
        Some(_) => [
            value(&Role {
                metadata: metadata.clone(),
                rules: Some(rules),
            })?,
            value(&RoleBinding {
                metadata,
                role_ref: reference("Role"),
                subjects,
            })?,
        ],
    })
}

fn deployment(arguments: &ManifestArguments) -> Deployment {
    let labels = BTreeMap::from([("app.kubernetes.io/name".to_owned(), NAME.to_owned())]);
    let mut volumes = vec![Volume {
        name: "state".to_owned(),
        empty_dir: Some(EmptyDirVolumeSource::default()),
        ..Volume::default()
    }];
    if let Some(secret) = &arguments.sign_with {
        volumes.push(Volume {
            name: "ca".to_owned(),
            secret: Some(SecretVolumeSource {
                secret_name: Some(secret.clone()),
                default_mode: Some(0o440),
                ..SecretVolumeSource::default()
            }),
            ..Volume::default()
        });
    }
    Deployment {
        metadata: metadata(NAME, Some(NAMESPACE)),
        spec: DeploymentSpec {
            replicas: Some(arguments.replicas.into()),
            selector: LabelSelector {
                match_labels: Some(labels.clone()),
                ..LabelSelector::default()
            },
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels),
                    ..ObjectMeta::default()
                }),
                spec: Some(PodSpec {
                    service_account_name: Some(NAME.to_owned()),
                    priority_class_name: Some("system-cluster-critical".to_owned()),
                    // The files of a Secret are root's; this group may read them.
                    security_context: Some(PodSecurityContext {
                        fs_group: Some(USER),
                        ..PodSecurityContext::default()
                    }),
                    containers: vec![container(arguments)],
                    volumes: Some(volumes),
                    ..PodSpec::default()
                }),
            },
            ..DeploymentSpec::default()
        },
        ..Deployment::default()
    }
}

fn container(arguments: &ManifestArguments) -> Container {
    let mount = |name: &str, path: &str, read_only: bool| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    };
    let mut args = vec![
        "controller".to_owned(),
        format!("--dir={STATE}"),
        format!("--health-bind-address=0.0.0.0:{PORT}"),
    ];
    let mut mounts = vec![mount("state", STATE, false)];
    if arguments.sign_with.is_some() {
        args.push("--sign".to_owned());
        args.push(format!("--ca-cert-file={CA}/tls.crt"));
        args.push(format!("--ca-key-file={CA}/tls.key"));
        mounts.push(mount("ca", CA, true));
    }
    Container {
        name: "controller".to_owned(),
        image: Some(arguments.image.clone()),
        args: Some(args),
        volume_mounts: Some(mounts),
        liveness_probe: Some(probe("/livez")),
        readiness_probe: Some(probe("/readyz")),
        resources: Some(ResourceRequirements {
            requests: Some(quantities([("cpu", "50m"), ("memory", "64Mi")])),
            limits: Some(quantities([("memory", "256Mi")])),
            ..ResourceRequirements::default()
        }),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities {
                drop: Some(vec!["ALL".to_owned()]),
                ..Capabilities::default()
            }),
            read_only_root_filesystem: Some(true),
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..SeccompProfile::default()
            }),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

fn probe(path: &str) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::Int(PORT),
            ..HTTPGetAction::default()
        }),
        timeout_seconds: Some(10),
        ..Probe::default()
    }
}

fn quantities<const N: usize>(of: [(&str, &str); N]) -> BTreeMap<String, Quantity> {
    of.map(|(name, quantity)| (name.to_owned(), Quantity(quantity.to_owned())))
        .into()
}

fn metadata(name: &str, namespace: Option<&str>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: namespace.map(ToOwned::to_owned),
        ..ObjectMeta::default()
    }
}

fn value(object: &impl Serialize) -> Result<serde_json::Value> {
    Ok(serde_json::to_value(object)?)
}
