//! Acting as somebody else (`kubectl --as`), where RBAC grants the verb `impersonate`.
//! Headers: k8s.io/api/authentication/v1; rules: k8s.io/apiserver/pkg/endpoints/filters/impersonation.

use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;

use super::{AUTHENTICATED, SERVICE_ACCOUNT_PREFIX, UserInfo};
use crate::authorization::{Attributes, Decision, ResourceTarget, resources};
use crate::server::Authorizer;
use crate::status::Status;

const USER: HeaderName = HeaderName::from_static("impersonate-user");
const GROUP: HeaderName = HeaderName::from_static("impersonate-group");
const UID: HeaderName = HeaderName::from_static("impersonate-uid");
const EXTRA_PREFIX: &str = "impersonate-extra-";

/// The identity that a request asks to act as; the requester itself where it asks for none.
///
/// # Errors
/// 400 when the headers make no identity, 403 when the requester may not act as it.
pub(crate) async fn impersonate(
    requester: UserInfo,
    headers: &HeaderMap,
    authorizer: &dyn Authorizer,
) -> Result<UserInfo, Status> {
    let Some(wanted) = wanted(headers)? else {
        return Ok(requester);
    };
    for target in permissions(&wanted) {
        let attributes = Attributes::resource("impersonate", target);
        match authorizer.authorize(&requester, &attributes).await? {
            Decision::Allow(_) => {}
            Decision::Deny(reason) => {
                return Err(Status::access_denied(&requester, &attributes, &reason));
            }
            Decision::NoOpinion => {
                return Err(Status::access_denied(&requester, &attributes, ""));
            }
        }
    }
    Ok(with_default_groups(wanted))
}

/// The identity in the headers, as they spell it.
fn wanted(headers: &HeaderMap) -> Result<Option<UserInfo>, Status> {
    let mut user = UserInfo {
        username: texts(headers, &USER)?
            .into_iter()
            .next()
            .unwrap_or_default(),
        uid: texts(headers, &UID)?.into_iter().next().unwrap_or_default(),
        groups: texts(headers, &GROUP)?,
        ..UserInfo::default()
    };
    for name in headers.keys() {
        let Some(key) = name.as_str().strip_prefix(EXTRA_PREFIX) else {
            continue;
        };
        let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
        user.extra.insert(key, texts(headers, name)?);
    }
    if user == UserInfo::default() {
        return Ok(None);
    }
    if user.username.is_empty() {
        return Err(Status::bad_request(
            "the request asks to impersonate groups or other attributes without a user: Impersonate-User is missing",
        ));
    }
    Ok(Some(user))
}

fn texts(headers: &HeaderMap, name: &HeaderName) -> Result<Vec<String>, Status> {
    headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().map(str::to_owned))
        .collect::<Result<_, _>>()
        .map_err(|_| Status::bad_request(format!("the header {name} is not text")))
}

/// Each part of an identity needs a permission of its own.
fn permissions(wanted: &UserInfo) -> Vec<ResourceTarget> {
    let account = wanted
        .username
        .strip_prefix(SERVICE_ACCOUNT_PREFIX)
        .and_then(|account| account.split_once(':'));
    let mut targets = vec![match account {
        Some((namespace, name)) => ResourceTarget::new("", "serviceaccounts")
            .within(namespace)
            .named(name),
        None => ResourceTarget::new("", "users").named(&wanted.username),
    }];
    targets.extend(
        wanted
            .groups
            .iter()
            .map(|group| ResourceTarget::new("", "groups").named(group)),
    );
    if !wanted.uid.is_empty() {
        targets.push(ResourceTarget::new(resources::AUTHENTICATION, "uids").named(&wanted.uid));
    }
    for (key, values) in &wanted.extra {
        targets.extend(values.iter().map(|value| {
            ResourceTarget::new(resources::AUTHENTICATION, "userextras")
                .subresource(key)
                .named(value)
        }));
    }
    targets
}

fn with_default_groups(wanted: UserInfo) -> UserInfo {
    if wanted.username == super::ANONYMOUS {
        return UserInfo {
            groups: vec![super::UNAUTHENTICATED.to_owned()],
            ..wanted
        };
    }
    let mut user = wanted;
    if !user.in_group(AUTHENTICATED) {
        user.groups.push(AUTHENTICATED.to_owned());
    }
    user
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::authentication::MASTERS;
    use crate::authorization::rbac::{Policy, rules};
    use crate::authorization::testing::policy_of_ops;
    use crate::authorization::{Ownership, decide};

    struct Fixed(Policy);

    #[async_trait]
    impl Authorizer for Fixed {
        async fn authorize(
            &self,
            user: &UserInfo,
            attributes: &Attributes,
        ) -> Result<Decision, Status> {
            Ok(decide(&self.0, user, attributes, Ownership::Unknown))
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    async fn ask(
        requester: UserInfo,
        pairs: &[(&'static str, &'static str)],
    ) -> Result<UserInfo, Status> {
        let users = rules::named(&["impersonate"], &[""], &["users"], &["ben"]);
        impersonate(
            requester,
            &headers(pairs),
            &Fixed(policy_of_ops(vec![users])),
        )
        .await
    }

    fn ann() -> UserInfo {
        UserInfo::authenticated("ann", ["ops"])
    }

    #[tokio::test]
    async fn without_the_headers_one_is_oneself() {
        assert_eq!(ask(ann(), &[]).await, Ok(ann()));
    }

    #[tokio::test]
    async fn each_part_needs_its_permission() {
        let ben = ask(ann(), &[("impersonate-user", "ben")]).await.unwrap();
        assert_eq!(
            ben,
            UserInfo {
                username: "ben".into(),
                groups: vec![AUTHENTICATED.into()],
                ..UserInfo::default()
            }
        );
        for pairs in [
            &[("impersonate-user", "cat")][..],
            &[("impersonate-user", "system:serviceaccount:a:ben")][..],
            &[("impersonate-user", "ben"), ("impersonate-group", MASTERS)][..],
            &[("impersonate-user", "ben"), ("impersonate-uid", "1")][..],
            &[("impersonate-user", "ben"), ("impersonate-extra-a", "1")][..],
        ] {
            let refused = ask(ann(), pairs).await.unwrap_err();
            assert_eq!(refused.code(), 403, "{pairs:?}");
        }
        let groups_alone = ask(ann(), &[("impersonate-group", MASTERS)]).await;
        assert_eq!(groups_alone.unwrap_err().code(), 400);
    }

    #[tokio::test]
    async fn an_administrator_may_be_anybody_and_keeps_nothing() {
        let admin = UserInfo::authenticated("admin", [MASTERS]);
        let user = ask(
            admin,
            &[
                ("impersonate-user", "system:bootstrap:abcdef"),
                ("impersonate-group", "system:bootstrappers"),
                ("impersonate-extra-example.com%2fa", "1"),
            ],
        )
        .await
        .unwrap();
        assert!(user.is_bootstrap() && !user.in_group(MASTERS));
        assert_eq!(user.extra["example.com/a"], ["1"]);
    }

    #[tokio::test]
    async fn a_bootstrap_token_is_nobody_else() {
        let token = UserInfo::authenticated("system:bootstrap:abcdef", ["ops"]);
        let refused = ask(token, &[("impersonate-user", "ben")]).await;
        assert_eq!(refused.unwrap_err().code(), 403);
    }
}
