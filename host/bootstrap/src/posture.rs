//! Which trade-offs a flow found in force. What a command line opted into by a flag of its own is known there.

use jiff::Timestamp;
use slipway_config::kubeadm::TokenSpec;
use slipway_config::posture::{PostureEntry, PostureId};
use slipway_pki::decision::trust::VerifiedTrust;

use crate::init::certs::Origin;
use crate::init::rbac::Access;
use crate::init::settings::{Publication, PublishedCa, Settings};

/// What the operator accepted to trust a cluster, to which this source led.
pub(crate) fn of_trust(trust: &VerifiedTrust, source: &str) -> Vec<PostureEntry> {
    let entry = |id: &PostureId| match id {
        PostureId::UnverifiedTrustSource => id.about(source),
        id => id.entry(),
    };
    trust.posture().iter().map(entry).collect()
}

/// What an `init` with these settings leaves in force.
pub(crate) fn of_init(settings: &Settings, ca: Origin) -> Vec<PostureEntry> {
    let key = PostureId::CaKeyOnThisMachine.about(match ca {
        Origin::Made | Origin::Kept => "made by slipway",
        Origin::Given => "put there by the operator",
    });
    let mut posture = of_access(settings.access);
    posture.push(key);
    posture.extend(of_published(settings.published_ca, &settings.tokens));
    posture
}

/// What an `init` in a cluster that runs already leaves in force.
pub fn of_publication(publication: &Publication) -> Vec<PostureEntry> {
    let mut posture = of_access(publication.access);
    posture.extend(of_published(publication.published_ca, &publication.tokens));
    posture
}

fn of_access(access: Access) -> Vec<PostureEntry> {
    let entry = |in_force: bool, id: PostureId| in_force.then(|| id.entry());
    let entries = [
        entry(access.automatic_approval, PostureId::AutomaticApproval),
        entry(
            access.kubelet_compatible,
            PostureId::KubeletCompatibleBootstrap,
        ),
    ];
    entries.into_iter().flatten().collect()
}

fn of_published(ca: PublishedCa, tokens: &[TokenSpec]) -> impl Iterator<Item = PostureEntry> {
    let omitted = ca == PublishedCa::Omitted;
    let omitted = omitted.then(|| PostureId::CaOmittedFromClusterInfo.entry());
    omitted.into_iter().chain(tokens.iter().flat_map(of_token))
}

/// What a token to be made leaves in force.
fn of_token(token: &TokenSpec) -> impl Iterator<Item = PostureEntry> + use<> {
    let given = token.token.as_ref();
    let about = |posture: PostureId| match given {
        Some(token) => posture.about(token.id.to_string()),
        None => posture.entry(),
    };
    let weak = given.filter(|token| token.secret.is_weak());
    let weak = weak.map(|_| about(PostureId::WeakTokenSecret));
    // A time that comes, however late, is an end.
    let endless = token.lifetime.end(Timestamp::UNIX_EPOCH).is_none();
    let endless = endless.then(|| about(PostureId::TokenNeverExpires));
    weak.into_iter().chain(endless)
}

#[cfg(test)]
mod tests {
    use slipway_config::duration::GoDuration;
    use slipway_config::kubeadm::Lifetime;

    use super::*;
    use crate::init::settings::tests::settings;

    fn ids(settings: &Settings) -> Vec<PostureId> {
        of_init(settings, Origin::Made)
            .iter()
            .map(|entry| entry.id)
            .collect()
    }

    #[test]
    fn the_default_keeps_the_cas_key_here_and_nothing_else() {
        assert_eq!(
            ids(&settings("10.0.0.1:6443")),
            [PostureId::CaKeyOnThisMachine]
        );
    }

    #[test]
    fn every_opt_in_is_named() {
        let mut wide = settings("10.0.0.1:6443");
        wide.access.automatic_approval = true;
        wide.access.kubelet_compatible = true;
        wide.tokens = vec![TokenSpec {
            token: Some("abcdef.0123456789abcdef".parse().unwrap()),
            lifetime: Lifetime::Ttl(GoDuration::ZERO),
            ..TokenSpec::default()
        }];
        wide.published_ca = PublishedCa::Omitted;
        assert_eq!(
            ids(&wide),
            [
                PostureId::AutomaticApproval,
                PostureId::KubeletCompatibleBootstrap,
                PostureId::CaKeyOnThisMachine,
                PostureId::CaOmittedFromClusterInfo,
                PostureId::WeakTokenSecret,
                PostureId::TokenNeverExpires,
            ]
        );
        let shown = format!("{:?}", of_init(&wide, Origin::Made));
        assert!(!shown.contains("0123456789abcdef"));
    }
}
