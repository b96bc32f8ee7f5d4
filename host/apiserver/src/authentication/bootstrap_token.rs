//! Whether a presented bootstrap token is good, and whose it is.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use slipway_config::system::{SOURCE_ADDRESS, TOKEN_UID};
use slipway_config::token::{BootstrapToken, TokenRecord};

use super::{BOOTSTRAPPERS, UserInfo};

/// A token as the server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownToken {
    /// The token with what it may be used for.
    pub(crate) record: TokenRecord,
    /// Tells it from an earlier token of the same ID.
    pub(crate) uid: String,
    /// Where it may be used from; anywhere if there are none.
    pub(crate) sources: Vec<IpNet>,
}

/// Why a token does not authenticate. For the log: the client is told "unauthorized" and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenRefusal {
    /// The secret part differs.
    #[error("the token's secret is wrong")]
    WrongSecret,
    /// The token's time is over.
    #[error("the token has expired")]
    Expired,
    /// The token is for signing cluster-info only.
    #[error("the token is not for authentication")]
    NotForAuthentication,
    /// The token is bound to other addresses, or the address is not known.
    #[error("the token may not be used from this address")]
    Source,
}

/// The identity behind a presented token of this ID.
///
/// # Errors
/// Why the token is not accepted.
pub(crate) fn identify(
    presented: &BootstrapToken,
    known: &KnownToken,
    source: Option<IpAddr>,
    now: Timestamp,
) -> Result<UserInfo, TokenRefusal> {
    let record = &known.record;
    // The secret first: who does not hold it learns nothing about the token, not even by timing.
    if record.id != presented.id || !record.secret.ct_eq(&presented.secret) {
        return Err(TokenRefusal::WrongSecret);
    }
    if record.is_expired(now) {
        return Err(TokenRefusal::Expired);
    }
    if !record.usages.authentication {
        return Err(TokenRefusal::NotForAuthentication);
    }
    if !known.sources.is_empty() {
        let allowed = source
            // An IPv4 client of a dual-stack socket counts as what it is.
            .map(|source| source.to_canonical())
            .is_some_and(|source| known.sources.iter().any(|net| net.contains(&source)));
        if !allowed {
            return Err(TokenRefusal::Source);
        }
    }
    let groups = [BOOTSTRAPPERS]
        .into_iter()
        .chain(record.groups.iter().map(|group| group.as_str()));
    let mut user = UserInfo::authenticated(record.id.user_name(), groups);
    if !known.uid.is_empty() {
        user.extra
            .insert(TOKEN_UID.to_owned(), vec![known.uid.clone()]);
    }
    if let Some(source) = source {
        let source = source.to_canonical().to_string();
        user.extra.insert(SOURCE_ADDRESS.to_owned(), vec![source]);
    }
    Ok(user)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const TOKEN: &str = "abcdef.0123456789abcdef";

    fn known(changes: &[(&str, &str)]) -> KnownToken {
        let mut data: BTreeMap<String, Vec<u8>> = [
            ("token-id", "abcdef"),
            ("token-secret", "0123456789abcdef"),
            ("usage-bootstrap-authentication", "true"),
            ("expiration", "1970-01-02T00:00:00Z"),
        ]
        .into_iter()
        .chain(changes.iter().copied())
        .map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()))
        .collect();
        data.retain(|_, value| !value.is_empty());
        KnownToken {
            record: TokenRecord::from_secret_data(&data, "bootstrap-token-abcdef").unwrap(),
            uid: "u-1".into(),
            sources: vec![],
        }
    }

    fn ask(known: &KnownToken, token: &str, second: i64) -> Result<UserInfo, TokenRefusal> {
        let now = Timestamp::from_second(second).unwrap();
        identify(&token.parse().unwrap(), known, None, now)
    }

    #[test]
    fn a_token_is_its_user_and_groups() {
        let token = known(&[(
            "auth-extra-groups",
            "system:bootstrappers:a,system:bootstrappers:b",
        )]);
        let user = ask(&token, TOKEN, 0).unwrap();
        assert_eq!(user.username, "system:bootstrap:abcdef");
        assert_eq!(
            user.groups,
            [
                "system:bootstrappers",
                "system:bootstrappers:a",
                "system:bootstrappers:b",
                "system:authenticated"
            ]
        );
        assert_eq!(user.extra[TOKEN_UID], ["u-1"]);
    }

    #[test]
    fn a_wrong_secret_is_refused_before_anything_else() {
        let over = known(&[("expiration", "garbage")]);
        assert_eq!(
            ask(&over, "abcdef.0123456789abcdee", 0),
            Err(TokenRefusal::WrongSecret)
        );
        assert_eq!(
            ask(&known(&[]), "uvwxyz.0123456789abcdef", 0),
            Err(TokenRefusal::WrongSecret)
        );
    }

    #[test]
    fn a_token_ends_at_its_second() {
        let day = 24 * 3600;
        assert!(ask(&known(&[]), TOKEN, day - 1).is_ok());
        assert_eq!(ask(&known(&[]), TOKEN, day), Err(TokenRefusal::Expired));
        assert_eq!(
            ask(&known(&[("expiration", "tomorrow")]), TOKEN, 0),
            Err(TokenRefusal::Expired)
        );
        assert!(ask(&known(&[("expiration", "")]), TOKEN, day * 365).is_ok());
    }

    #[test]
    fn a_signing_token_does_not_authenticate() {
        for usage in ["", "True", "yes", "1"] {
            let token = known(&[
                ("usage-bootstrap-signing", "true"),
                ("usage-bootstrap-authentication", usage),
            ]);
            assert_eq!(
                ask(&token, TOKEN, 0),
                Err(TokenRefusal::NotForAuthentication),
                "{usage}"
            );
        }
    }

    #[test]
    fn a_bound_token_works_from_its_addresses_only() {
        let token = KnownToken {
            sources: vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()],
            ..known(&[])
        };
        let from = |source: Option<&str>| {
            identify(
                &TOKEN.parse().unwrap(),
                &token,
                source.map(|source| source.parse().unwrap()),
                Timestamp::UNIX_EPOCH,
            )
        };
        for (good, known_as) in [
            ("10.1.2.3", "10.1.2.3"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
            ("fd00::1", "fd00::1"),
        ] {
            assert_eq!(from(Some(good)).unwrap().extra[SOURCE_ADDRESS], [known_as]);
        }
        for bad in [Some("10.2.0.1"), Some("::1"), None] {
            assert_eq!(from(bad), Err(TokenRefusal::Source), "{bad:?}");
        }
    }
}
