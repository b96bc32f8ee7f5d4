use proptest::prelude::*;

use super::*;

fn data(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

fn valid() -> BTreeMap<String, Vec<u8>> {
    data(&[("token-id", "abcdef"), ("token-secret", "0123456789abcdef")])
}

fn with(key: &str, value: &str) -> BTreeMap<String, Vec<u8>> {
    valid().into_iter().chain(data(&[(key, value)])).collect()
}

#[test]
fn a_token_as_kubeadm_writes_it_is_read() {
    let mut secret = valid();
    secret.extend(data(&[
        ("expiration", "2026-12-01T10:00:00Z"),
        ("description", "for rack 4"),
        ("usage-bootstrap-signing", "true"),
        ("usage-bootstrap-authentication", "True"),
        (
            "auth-extra-groups",
            "system:bootstrappers:a,system:bootstrappers:b",
        ),
    ]));
    let record = TokenRecord::from_secret_data(&secret, "bootstrap-token-abcdef").unwrap();
    assert_eq!(record.description, "for rack 4");
    assert_eq!(
        record.expires,
        Some("2026-12-01T10:00:00Z".parse().unwrap())
    );
    assert_eq!(
        record.usages,
        TokenUsages {
            signing: true,
            authentication: false
        }
    );
    assert_eq!(record.usages.names(), ["signing"]);
    assert_eq!(record.groups.len(), 2);
    assert!(!format!("{record:?}").contains("0123456789abcdef"));
}

#[test]
fn a_garbage_expiration_means_expired_and_none_means_never() {
    let expires = |text: &str| expiration_of(&with("expiration", text));
    for garbage in [
        "tomorrow",
        "2026-12-01",
        "2026-12-01 10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-12-01T10:00:60Z",
        "2026-12-01T10:00:00.Z",
        "2026-12-01T10:00:00z",
        "2026-12-01T10:00:00",
    ] {
        assert_eq!(expires(garbage), Some(Timestamp::UNIX_EPOCH), "{garbage}");
    }
    assert_eq!(
        expires("2026-12-01T12:00:00.5+02:00"),
        Some("2026-12-01T10:00:00.5Z".parse().unwrap())
    );
    assert_eq!(expires(""), None);
    assert_eq!(expiration_of(&valid()), None);
    let mut not_text = valid();
    not_text.insert("expiration".to_owned(), vec![0xff]);
    assert_eq!(expiration_of(&not_text), Some(Timestamp::UNIX_EPOCH));
}

#[test]
fn a_token_is_over_at_the_moment_it_expires() {
    let record = TokenRecord::from_secret_data(
        &with("expiration", "2026-12-01T10:00:00Z"),
        "bootstrap-token-abcdef",
    )
    .unwrap();
    assert!(!record.is_expired("2026-12-01T09:59:59Z".parse().unwrap()));
    assert!(record.is_expired("2026-12-01T10:00:00Z".parse().unwrap()));
}

#[test]
fn a_secret_that_holds_no_token_is_refused_with_its_reason() {
    let refused = |data: &BTreeMap<_, _>, name: &str| {
        TokenRecord::from_secret_data(data, name)
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(refused(&data(&[]), "x"), @r#"the Secret "x" has no key "token-id"; expected one with a bootstrap token's data"#);
    insta::assert_snapshot!(refused(&valid(), "bootstrap-token-fedcba"), @r#"the Secret "bootstrap-token-fedcba" holds the token abcdef; expected it in the Secret "bootstrap-token-abcdef""#);
    insta::assert_snapshot!(refused(&with("token-secret", "hunter2"), "bootstrap-token-abcdef"), @r#"the Secret "bootstrap-token-abcdef" has a malformed "token-secret": a token secret has sixteen characters of a to z and 0 to 9; the given one has 7"#);
    insta::assert_snapshot!(refused(&with("token-id", "ABC"), "bootstrap-token-abcdef"), @r#"the Secret "bootstrap-token-abcdef" has a malformed "token-id": a token ID has six characters of a to z and 0 to 9; the given one has 3, one of them neither a lower-case letter nor a digit"#);
    insta::assert_snapshot!(refused(&with("auth-extra-groups", "system:bootstrappers:a,system:masters"), "bootstrap-token-abcdef"), @r#"the Secret "bootstrap-token-abcdef" has a bad group in "auth-extra-groups": a token cannot give the group "system:masters"; expected "system:bootstrappers:" and at most 256 characters of a to z, 0 to 9, ':' and '-' after it, the last one a letter or a digit"#);
    let mut not_text = valid();
    not_text.insert("token-secret".to_owned(), vec![0xff]);
    insta::assert_snapshot!(refused(&not_text, "bootstrap-token-abcdef"), @r#"the Secret "bootstrap-token-abcdef" has a value under "token-secret" that is not UTF-8"#);
}

fn records() -> impl Strategy<Value = TokenRecord> {
    (
        r"[a-z0-9]{6}\.[a-z0-9]{16}",
        ".{0,20}",
        proptest::option::of(0i64..4_000_000_000),
        any::<(bool, bool)>(),
        proptest::collection::vec("system:bootstrappers:[a-z0-9:-]{0,9}[a-z0-9]", 0..3),
    )
        .prop_map(
            |(token, description, expires, (signing, authentication), groups)| {
                let BootstrapToken { id, secret } = token.parse().unwrap();
                TokenRecord {
                    id,
                    secret,
                    description,
                    expires: expires.map(|seconds| Timestamp::from_second(seconds).unwrap()),
                    usages: TokenUsages {
                        signing,
                        authentication,
                    },
                    groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
                }
            },
        )
}

proptest! {
    #[test]
    fn records_survive_writing_and_reading(record in records()) {
        let read = TokenRecord::from_secret_data(&record.to_secret_data(), &record.id.secret_name());
        prop_assert_eq!(read, Ok(record));
    }

    #[test]
    fn no_data_makes_the_parser_panic(values in proptest::collection::vec(any::<Vec<u8>>(), 7), name in ".{0,30}") {
        let keys = ["token-id", "token-secret", "description", "expiration", "usage-bootstrap-signing", "usage-bootstrap-authentication", "auth-extra-groups"];
        let data = keys.iter().map(|key| (*key).to_owned()).zip(values).collect();
        let _ = TokenRecord::from_secret_data(&data, &name);
        let _ = expiration_of(&data);
    }

    #[test]
    fn any_expiration_is_read_or_expired(text in r"[0-9T:.Z+-]{1,30}") {
        prop_assert!(expiration_of(&with("expiration", &text)).is_some());
    }
}
