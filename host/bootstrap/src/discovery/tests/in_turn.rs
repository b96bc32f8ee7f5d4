//! Several trust sources, asked one after the other.

use super::*;

type Answer = Result<(Proposed, Vec<jws::SignedBytes>), DiscoveryError>;

fn says(name: &str, answer: impl Fn() -> Answer + Send + Sync + 'static) -> Arc<dyn TrustSource> {
    Proposes::named(name, move |_| answer())
}

fn unavailable(name: &str) -> Arc<dyn TrustSource> {
    let reason = format!("{name} is away");
    says(name, move || {
        Err(DiscoveryError::Unavailable(reason.clone()))
    })
}

fn not_asked() -> Arc<dyn TrustSource> {
    says("not-asked", || panic!("it is not asked"))
}

async fn ask(
    request: &Request,
    plugins: impl IntoIterator<Item = Arc<dyn TrustSource>>,
) -> Result<Discovered, DiscoveryFailure> {
    discover(request, Asked::in_turn(plugins).plugins(), &Silent).await
}

#[tokio::test]
async fn one_that_is_away_gives_way_and_that_is_told_once() {
    let cluster = Cluster::start().await;
    let recorder = Recorder::default();
    let good = ReadsClusterInfo::new(cluster.admin.clone());
    let asked = Asked::in_turn([unavailable("first"), good, not_asked()]);
    let found = discover(&by_token(&cluster), asked.plugins(), &recorder)
        .await
        .unwrap();
    assert_eq!(found.source, "reads-cluster-info");
    let notes: Vec<_> = recorder.events();
    let expected = "first: nothing could be reached: first is away; asking the next trust source";
    assert_eq!(notes, [Event::Note(expected.to_owned())]);
}

#[tokio::test]
async fn one_whose_word_is_not_enough_gives_way() {
    let cluster = Cluster::start().await;
    let ca = authority().bundle();
    let word = says("word", move || {
        let proposed = Proposed {
            ca: Some(ca.clone()),
            ..nothing()
        };
        Ok((proposed, Vec::new()))
    });
    let mut wanted = by_token(&cluster);
    wanted.pins.clear();
    wanted.accepted.insert(Accepted::TokenWithoutPin);
    let good = ReadsClusterInfo::new(cluster.admin.clone());
    let found = ask(&wanted, [word, good]).await.unwrap();
    assert_eq!(found.trust.proof(), Proof::SignedWithToken);
    assert_eq!(
        found.trust.ca(),
        &cluster.prepared.certificates.authority.bundle()
    );
}

#[tokio::test]
async fn one_that_found_what_does_not_hold_is_not_overruled() {
    let cluster = Cluster::start().await;
    let untrusted = says("first", || {
        Err(DiscoveryError::Untrusted("wrong signature".to_owned()))
    });
    let failure = ask(&by_token(&cluster), [untrusted, not_asked()])
        .await
        .unwrap_err();
    assert!(failure.is_refusal(), "{failure}");

    let token = cluster.token.clone();
    let forged = kubeconfig(&cluster, &authority());
    let of_another_ca = says("first", move || {
        let signature = jws::sign(&token, forged.as_bytes()).unwrap();
        let signed = jws::verify(&token, &signature, forged.as_bytes()).unwrap();
        Ok((nothing(), vec![signed]))
    });
    let failure = ask(&by_token(&cluster), [of_another_ca, not_asked()])
        .await
        .unwrap_err();
    assert!(
        matches!(failure, DiscoveryFailure::Trust(TrustError::Pins(_))),
        "{failure}"
    );

    let mut wanted = by_token(&cluster);
    let hostile = file(&cluster, "not: [a kubeconfig");
    wanted.sources.insert(0, Source::File(hostile));
    let failure = ask(&wanted, [not_asked()]).await.unwrap_err();
    assert!(
        matches!(failure, DiscoveryFailure::Document { .. }),
        "{failure}"
    );
}

#[tokio::test]
async fn a_refusal_ends_it_at_once_and_what_failed_before_is_told() {
    let cluster = Cluster::start().await;
    let untrusted = says("second", || {
        Err(DiscoveryError::Untrusted("wrong signature".to_owned()))
    });
    let mut wanted = by_token(&cluster);
    wanted.timing.timeout = Duration::from_secs(3600);
    let failure = ask(&wanted, [unavailable("first"), untrusted, not_asked()])
        .await
        .unwrap_err();
    insta::assert_snapshot!(failure, @r"
    a trust source found what does not hold, so that no other was asked:
      first: nothing could be reached: first is away
      second: what was found does not hold: wrong signature
    ");
}

#[tokio::test]
async fn all_of_them_are_tried_again_while_one_may_succeed() {
    let cluster = Cluster::start().await;
    let useless = says("second", || {
        Err(DiscoveryError::InvalidRequest("not for me".to_owned()))
    });
    let failure = ask(&by_token(&cluster), [unavailable("first"), useless.clone()])
        .await
        .unwrap_err();
    insta::assert_snapshot!(failure, @r"
    the cluster could not be discovered within 0 s; the last attempt: none of the trust sources led to the cluster:
      first: nothing could be reached: first is away
      second: the locations cannot be used: not for me
    ");

    let failure = ask(&by_token(&cluster), [useless.clone(), useless])
        .await
        .unwrap_err();
    assert!(
        matches!(failure, DiscoveryFailure::Sources(_)),
        "nothing will change: {failure}"
    );

    let rounds = std::sync::atomic::AtomicUsize::new(0);
    let token = cluster.token.clone();
    let document = kubeconfig(&cluster, &cluster.prepared.certificates.authority);
    let late = says("late", move || {
        match rounds.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => Err(DiscoveryError::NotSigned("not yet".to_owned())),
            _ => {
                let signature = jws::sign(&token, document.as_bytes()).unwrap();
                let signed = jws::verify(&token, &signature, document.as_bytes()).unwrap();
                Ok((nothing(), vec![signed]))
            }
        }
    });
    let mut wanted = by_token(&cluster);
    wanted.timing.timeout = Duration::from_secs(60);
    let found = ask(&wanted, [unavailable("first"), late]).await.unwrap();
    assert_eq!(found.source, "late");
}

#[tokio::test]
async fn each_is_asked_about_what_it_is_for() {
    let cluster = Cluster::start().await;
    let text = kubeconfig(&cluster, &cluster.prepared.certificates.authority);
    let path = file(&cluster, &text);
    let for_files = Proposes::named("for-files", |request| {
        assert!(request.token.is_none() && request.document.is_some());
        Ok((nothing(), Vec::new()))
    });
    let mut wanted = by_token(&cluster);
    wanted.sources.push(Source::File(path));
    let asked = Asked::in_turn([unavailable("for-tokens"), for_files])
        .taking([SourceKind::Token, SourceKind::File]);
    let found = discover(&wanted, asked.plugins(), &Silent).await.unwrap();
    assert_eq!(found.source, "for-files");
    assert_eq!(wanted.token(), Some(&cluster.token));

    let for_https = Asked::in_turn([not_asked()]).taking([SourceKind::Https]);
    let failure = discover(&wanted, for_https.plugins(), &Silent)
        .await
        .unwrap_err();
    assert!(
        matches!(failure, DiscoveryFailure::NoTrustSource),
        "{failure}"
    );
}

#[tokio::test]
async fn endpoint_providers_are_asked_in_turn() {
    let cluster = Cluster::start().await;
    let good = ReadsClusterInfo::new(cluster.admin.clone());
    let asked = Asked::one(good).after(NoEndpointsHere::new());
    let found = discover(&by_token(&cluster), asked.plugins(), &Silent)
        .await
        .unwrap();
    assert_eq!(
        found.connections.routes()[0].dial,
        cluster.settings.advertise
    );
}
