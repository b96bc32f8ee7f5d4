//! The delivered certificate: checked against what was asked for, then used once, to see that the cluster agrees.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Api;
use kube::api::PostParams;
use slipway_config::name::{NODES_GROUP, NodeName};
use slipway_pki::certificate::{Certificate, DateError};
use slipway_pki::key::PublicKey;
use slipway_pki::signer::{NodeSigner, Usage};
use tokio::time::Instant;

use super::JoinError;
use super::patience::Patience;
use super::pauses::Pauses;
use crate::connect::RequestFailure;

/// How long an API server may be away that has just delivered the certificate.
const LONGEST: Duration = Duration::from_secs(60);

/// Why a delivered certificate is of no use.
#[derive(Debug, thiserror::Error)]
pub enum CertificateRefusal {
    /// It does not hold now, by this machine's clock.
    #[error("{0}")]
    Dates(#[from] DateError),
    /// It is not what was asked for.
    #[error("{0}")]
    Other(String),
}

/// Reads the chain that the signer delivered and checks its leaf: our key, our name, the usages of a client, its dates.
///
/// Who signed it is not looked at: the CA that signs clients need not be the one that signs servers, and what counts is
/// whether the API server accepts it, which [`ask`] finds out.
pub(super) fn check(
    pem: &str,
    node: &NodeName,
    key: &PublicKey,
    now: Timestamp,
) -> Result<Vec<Certificate>, CertificateRefusal> {
    let refused = |reason: &str| CertificateRefusal::Other(reason.to_owned());
    let chain = Certificate::list_from_pem(pem).map_err(|error| refused(&error.to_string()))?;
    let leaf = chain
        .first()
        .ok_or_else(|| refused("there is no certificate in it"))?;
    if leaf.public_key() != key {
        return Err(refused(
            "it is for another key than the one that was submitted",
        ));
    }
    let subject = leaf.subject();
    let is_node = subject.common_name() == Some(node.user_name().as_str())
        && subject.organizations == [NODES_GROUP.to_owned()];
    if !is_node {
        return Err(refused(&format!(
            "it is for {subject}, expected O \"{NODES_GROUP}\", CN \"{}\"",
            node.user_name()
        )));
    }
    let usages = leaf.usages();
    let required = NodeSigner::KubeletClient.required_usages();
    if let Some(missing) = required.iter().find(|usage| !usages.contains(usage)) {
        return Err(refused(&format!(
            "it lacks the usage {missing:?}",
            missing = missing.name()
        )));
    }
    if usages.contains(&Usage::ServerAuth) {
        return Err(refused("it is for a server, too"));
    }
    if leaf.is_ca() {
        return Err(refused("it is a CA certificate"));
    }
    leaf.check_dates(now)?;
    Ok(chain)
}

/// Asks the API server who we are, with the certificate.
pub(super) async fn ask(client: &kube::Client, node: &NodeName) -> Result<(), JoinError> {
    let mut pauses = Pauses::new(Some(LONGEST), Instant::now());
    let mut patience = Patience::default();
    let answer = loop {
        let api: Api<SelfSubjectReview> = Api::all(client.clone());
        match api
            .create(&PostParams::default(), &SelfSubjectReview::default())
            .await
        {
            Ok(answer) => break answer,
            Err(error) => {
                let source = RequestFailure::from(error);
                let now = Instant::now();
                match pauses.next(now) {
                    Some(pause) if patience.bears(&source, now) => tokio::time::sleep(pause).await,
                    _ => return Err(JoinError::NotProved { source }),
                }
            }
        }
    };
    let user = answer
        .status
        .and_then(|status| status.user_info)
        .unwrap_or_default();
    let name = user.username.unwrap_or_default();
    let groups = user.groups.unwrap_or_default();
    if name != node.user_name() || !groups.iter().any(|group| group == NODES_GROUP) {
        return Err(JoinError::OtherIdentity {
            expected: node.user_name(),
            name,
            groups,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
        IsCa, KeyPair, KeyUsagePurpose,
    };
    use slipway_apiserver::authentication::UserInfo;
    use slipway_apiserver::{ApiServer, HistoryLimits, Store};
    use slipway_pki::ca::{ClientCertificate, ServerCertificate};
    use slipway_pki::key::{KeyAlgorithm, PrivateKey};

    use super::*;
    use crate::testing::{authority, hours_from_now};

    fn node() -> NodeName {
        "worker-1".parse().unwrap()
    }

    fn key() -> PrivateKey {
        PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
    }

    fn issued(key: &PrivateKey, hours: (i64, i64)) -> String {
        let user = node().user_name();
        let client = ClientCertificate {
            user: &user,
            group: Some(NODES_GROUP),
        };
        let validity = hours_from_now(hours.0, hours.1);
        let certificate = authority().issue_client(&client, key.public_key(), validity);
        certificate.unwrap().to_pem().unwrap()
    }

    #[test]
    fn what_was_asked_for_is_accepted_whoever_signed_it() {
        let key = key();
        let chain = check(
            &issued(&key, (0, 1)),
            &node(),
            key.public_key(),
            Timestamp::now(),
        );
        assert_eq!(chain.unwrap().len(), 1);
    }

    #[test]
    fn another_key_or_time_is_refused() {
        let key = key();
        let now = Timestamp::now();
        let refused = |pem: &str| {
            check(pem, &node(), key.public_key(), now)
                .unwrap_err()
                .to_string()
        };
        let other = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        assert!(refused(&issued(&other, (0, 1))).contains("another key"));
        assert!(refused(&issued(&key, (-2, -1))).contains("expired"));
        assert!(refused(&issued(&key, (1, 2))).contains("holds from"));
        assert!(refused("").contains("no certificate"));
    }

    /// A certificate for the node, with whatever a careless signer adds to it.
    fn careless(key: &PrivateKey, usages: &[ExtendedKeyUsagePurpose], is_ca: IsCa) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let mut name = |kind, value: &str| params.distinguished_name.push(kind, value);
        name(DnType::OrganizationName, NODES_GROUP);
        name(DnType::CommonName, &node().user_name());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if is_ca != IsCa::NoCa {
            params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        }
        params.extended_key_usages = usages.to_vec();
        params.is_ca = is_ca;
        let key = KeyPair::from_pem(&key.to_pem().unwrap()).unwrap();
        params.self_signed(&key).unwrap().pem()
    }

    #[test]
    fn a_certificate_that_is_for_more_is_refused() {
        use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        let key = key();
        let checked = |usages: &[_], is_ca| {
            let pem = careless(&key, usages, is_ca);
            check(&pem, &node(), key.public_key(), Timestamp::now()).map(drop)
        };
        let ca = || IsCa::Ca(BasicConstraints::Unconstrained);
        checked(&[ClientAuth], IsCa::NoCa).unwrap();
        insta::assert_snapshot!(checked(&[ClientAuth, ServerAuth], IsCa::NoCa).unwrap_err(), @"it is for a server, too");
        insta::assert_snapshot!(checked(&[ClientAuth], ca()).unwrap_err(), @"it is a CA certificate");
        insta::assert_snapshot!(checked(&[ServerAuth], IsCa::NoCa).unwrap_err(), @r#"it lacks the usage "client auth""#);
    }

    #[tokio::test]
    async fn the_api_server_has_to_agree_who_we_are() {
        let store = Store::in_memory(HistoryLimits::default()).unwrap();
        let server = ApiServer::builder(store).build().await.unwrap();
        let asked = async |user: &str, group: &str| {
            let client = server.client(UserInfo::authenticated(user, [group]));
            ask(&client, &node()).await
        };
        asked("system:node:worker-1", NODES_GROUP).await.unwrap();
        for (user, group) in [
            ("system:node:worker-2", NODES_GROUP),
            ("system:node:worker-1", "system:masters"),
            ("worker-1", NODES_GROUP),
        ] {
            let refused = asked(user, group).await.unwrap_err();
            assert!(
                matches!(&refused, JoinError::OtherIdentity { name, .. } if name == user),
                "{user} {group}: {refused}"
            );
        }
    }

    #[test]
    fn a_servers_certificate_or_a_cas_is_refused() {
        let key = key();
        let refused = |pem: &str| {
            check(pem, &node(), key.public_key(), Timestamp::now())
                .unwrap_err()
                .to_string()
        };
        let user = node().user_name();
        let server = ServerCertificate {
            common_name: &user,
            dns_names: &["worker-1".to_owned()],
            addresses: &[],
        };
        let certificate = authority().issue_server(&server, key.public_key(), hours_from_now(0, 1));
        assert!(refused(&certificate.unwrap().to_pem().unwrap()).contains("expected O"));
    }
}
