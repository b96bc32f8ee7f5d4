//! Nodes, in the core group.

use k8s_openapi::api::core::v1 as api;
use k8s_pb::api::core::v1 as pb;

use super::message;

message!(api::Node as pb::Node { metadata, spec, status });

message!(api::NodeSpec as pb::NodeSpec {
    pod_cidr, provider_id, unschedulable, taints, config_source, external_id;
    renamed: pod_cidrs = pod_cid_rs;
    unknown: pod_preemption_policy
});

message!(api::NodeStatus as pb::NodeStatus {
    capacity, allocatable, phase, conditions, addresses, daemon_endpoints, node_info, images,
    volumes_in_use, volumes_attached, config, runtime_handlers, features, declared_features
});

message!(api::NodeCondition as pb::NodeCondition {
    status, last_heartbeat_time, last_transition_time, reason, message;
    renamed: type_ = r#type
});

message!(api::NodeAddress as pb::NodeAddress {
    address;
    renamed: type_ = r#type
});

message!(api::NodeDaemonEndpoints as pb::NodeDaemonEndpoints { kubelet_endpoint });

message!(api::DaemonEndpoint as pb::DaemonEndpoint { port });

message!(api::NodeSystemInfo as pb::NodeSystemInfo {
    machine_id, system_uuid, boot_id, kernel_version, os_image, container_runtime_version,
    kubelet_version, kube_proxy_version, operating_system, architecture, swap;
    unknown: running_in_user_namespace
});

message!(api::NodeSwapStatus as pb::NodeSwapStatus {
    ;
    pointers: capacity
});

message!(api::ContainerImage as pb::ContainerImage { names, size_bytes });

message!(api::AttachedVolume as pb::AttachedVolume { name, device_path });

message!(api::NodeConfigStatus as pb::NodeConfigStatus {
    assigned, active, last_known_good, error
});

message!(api::NodeConfigSource as pb::NodeConfigSource { config_map });

message!(api::ConfigMapNodeConfigSource as pb::ConfigMapNodeConfigSource {
    namespace, name, uid, resource_version, kubelet_config_key
});

message!(api::NodeRuntimeHandler as pb::NodeRuntimeHandler {
    features;
    pointers: name
});

message!(api::NodeRuntimeHandlerFeatures as pb::NodeRuntimeHandlerFeatures {
    ;
    pointers: recursive_read_only_mounts, user_namespaces
});

message!(api::NodeFeatures as pb::NodeFeatures {
    ;
    pointers: supplemental_groups_policy
});

message!(api::Taint as pb::Taint { key, value, effect, time_added });
