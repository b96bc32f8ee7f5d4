//! Who a request comes from, and the names Kubernetes reserves.

use std::collections::BTreeMap;

use k8s_openapi::api::authentication::v1 as authentication;
use slipway_config::name::{NODE_USER_PREFIX, NODES_GROUP};
pub(crate) use slipway_config::token::BOOTSTRAPPERS_GROUP as BOOTSTRAPPERS;
use slipway_config::token::USER_PREFIX;

/// Every authenticated user is in this group.
pub(crate) const AUTHENTICATED: &str = "system:authenticated";
/// Whoever presented no credential is in this group.
pub(crate) const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The user name of whoever presented no credential.
pub(crate) const ANONYMOUS: &str = "system:anonymous";
/// The group that may do everything.
pub(crate) const MASTERS: &str = "system:masters";
/// What a service account's user name starts with; `namespace:name` follows.
pub(crate) const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";
/// The key in [`UserInfo::extra`] that tells which credential was used.
pub(crate) const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

/// A request's identity, as `authentication.k8s.io/v1` spells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserInfo {
    /// The unique name, such as `system:node:n1`.
    pub username: String,
    /// An identifier that is not used again when a name is; empty where the authenticator has none.
    pub uid: String,
    /// The groups, in the order in which the authenticator found them.
    pub groups: Vec<String>,
    /// Anything else that the authenticator knows.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl UserInfo {
    /// An identity of this name in these groups and `system:authenticated`.
    pub fn authenticated<G: Into<String>>(
        username: impl Into<String>,
        groups: impl IntoIterator<Item = G>,
    ) -> Self {
        let mut groups: Vec<String> = groups.into_iter().map(Into::into).collect();
        if !groups.iter().any(|group| group == AUTHENTICATED) {
            groups.push(AUTHENTICATED.to_owned());
        }
        Self {
            username: username.into(),
            groups,
            ..Self::default()
        }
    }

    /// A part of this process that may do everything, such as a controller.
    pub fn controller(name: &str) -> Self {
        Self::authenticated(format!("system:{name}"), [MASTERS])
    }

    /// Whoever presented no credential.
    pub fn anonymous() -> Self {
        Self {
            username: ANONYMOUS.to_owned(),
            groups: vec![UNAUTHENTICATED.to_owned()],
            ..Self::default()
        }
    }

    /// Whether the identity is in this group.
    pub fn in_group(&self, name: &str) -> bool {
        self.groups.iter().any(|group| group == name)
    }

    /// The node that this identity is, when it is one: the name *and* the group say so.
    pub fn node_name(&self) -> Option<&str> {
        self.username
            .strip_prefix(NODE_USER_PREFIX)
            .filter(|name| !name.is_empty() && self.in_group(NODES_GROUP))
    }

    /// Whether this is a bootstrap token's identity. Either sign is enough: a ceiling must not be
    /// escaped by leaving one of them out.
    pub(crate) fn is_bootstrap(&self) -> bool {
        self.username.starts_with(USER_PREFIX) || self.in_group(BOOTSTRAPPERS)
    }

    /// The same identity as the API's own type.
    pub(crate) fn to_api(&self) -> authentication::UserInfo {
        authentication::UserInfo {
            username: Some(self.username.clone()),
            uid: Some(self.uid.clone()).filter(|uid| !uid.is_empty()),
            groups: Some(self.groups.clone()).filter(|groups| !groups.is_empty()),
            extra: Some(self.extra.clone()).filter(|extra| !extra.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_needs_the_name_and_the_group() {
        assert_eq!(
            UserInfo::authenticated("system:node:n1", [NODES_GROUP]).node_name(),
            Some("n1")
        );
        assert_eq!(
            UserInfo::authenticated("system:node:n1", ["other"]).node_name(),
            None
        );
        assert_eq!(
            UserInfo::authenticated("system:node:", [NODES_GROUP]).node_name(),
            None
        );
        assert_eq!(
            UserInfo::authenticated("n1", [NODES_GROUP]).node_name(),
            None
        );
    }

    #[test]
    fn either_sign_makes_a_bootstrap_identity() {
        assert!(UserInfo::authenticated("system:bootstrap:abcdef", ["x"]).is_bootstrap());
        assert!(UserInfo::authenticated("somebody", [BOOTSTRAPPERS]).is_bootstrap());
        assert!(!UserInfo::authenticated("somebody", [NODES_GROUP]).is_bootstrap());
    }

    #[test]
    fn anonymous_is_not_authenticated() {
        assert!(!UserInfo::anonymous().in_group(AUTHENTICATED));
        assert!(UserInfo::controller("approver").in_group(MASTERS));
    }
}
