//! Which signatures belong into cluster-info.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use slipway_pki::jws::{self, JwsError};

use super::{KUBECONFIG, SIGNATURE_PREFIX};
use crate::tokens::TokenSecret;

/// What the keys of the signatures should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signatures {
    wanted: BTreeMap<String, String>,
    /// Keys that are left as they are: what is signed with a Secret that we cannot read is not ours to judge.
    left_alone: BTreeSet<String>,
}

/// The signatures of the document in `data` by the tokens that sign at `now`. Without a document there are none.
pub(super) fn plan(
    data: &BTreeMap<String, String>,
    tokens: &[TokenSecret],
    now: Timestamp,
) -> Result<Signatures, JwsError> {
    let mut signatures = Signatures {
        wanted: BTreeMap::new(),
        left_alone: BTreeSet::new(),
    };
    let Some(document) = data.get(KUBECONFIG).filter(|document| !document.is_empty()) else {
        return Ok(signatures);
    };
    for token in tokens.iter().filter(|token| !token.is_expired(now)) {
        let Some(id) = token.id() else {
            continue;
        };
        let key = format!("{SIGNATURE_PREFIX}{id}");
        match &token.record {
            Ok(record) if record.usages.signing => {
                let signature = jws::sign(&record.token(), document.as_bytes())?;
                signatures.wanted.insert(key, signature);
            }
            Ok(_) => {}
            Err(_) => {
                signatures.left_alone.insert(key);
            }
        }
    }
    Ok(signatures)
}

impl Signatures {
    /// Whether nothing has to be written.
    pub(super) fn are_in(&self, data: &BTreeMap<String, String>) -> bool {
        data.iter()
            .filter(|(key, _)| self.governs(key))
            .eq(self.wanted.iter())
    }

    /// Puts them in the place of those that are there.
    pub(super) fn put_into(&self, data: &mut BTreeMap<String, String>) {
        data.retain(|key, _| !self.governs(key));
        data.extend(self.wanted.clone());
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.wanted.len()
    }

    fn governs(&self, key: &str) -> bool {
        key.starts_with(SIGNATURE_PREFIX) && !self.left_alone.contains(key)
    }
}

#[cfg(test)]
mod tests {
    use slipway_config::token::{RecordError, TokenBounds, TokenRecord};

    use super::*;

    fn token(id: &str, secret: &str, more: &[(&str, &str)]) -> TokenSecret {
        let name = format!("bootstrap-token-{id}");
        let pairs = [("token-id", id), ("token-secret", secret)];
        let data: BTreeMap<_, _> = pairs
            .iter()
            .chain(more)
            .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()))
            .collect();
        let record: Result<TokenRecord, RecordError> = TokenRecord::from_secret_data(&data, &name);
        TokenSecret {
            uid: "u".to_owned(),
            created: None,
            resource_version: None,
            expires: slipway_config::token::expiration_of(&data),
            record,
            bounds: Ok(TokenBounds::default()),
            name,
        }
    }

    const SIGNING: (&str, &str) = ("usage-bootstrap-signing", "true");

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn data(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn keys_follow_the_tokens() {
        let tokens = [
            token("aaaaaa", "0123456789abcdef", &[SIGNING]),
            token("bbbbbb", "0123456789abcdef", &[]),
            token(
                "cccccc",
                "0123456789abcdef",
                &[SIGNING, ("expiration", "1970-01-01T00:01:00Z")],
            ),
            token(
                "dddddd",
                "0123456789abcdef",
                &[SIGNING, ("expiration", "garbage")],
            ),
        ];
        let mut info = data(&[
            (KUBECONFIG, "document"),
            ("other", "stays"),
            ("jws-kubeconfig-bbbbbb", "old"),
            ("jws-kubeconfig-zzzzzz", "old"),
        ]);
        let signatures = plan(&info, &tokens, at(59)).unwrap();
        assert!(!signatures.are_in(&info));
        signatures.put_into(&mut info);
        assert!(signatures.are_in(&info));
        let keys: Vec<_> = info.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "jws-kubeconfig-aaaaaa",
                "jws-kubeconfig-cccccc",
                KUBECONFIG,
                "other"
            ]
        );

        let later = plan(&info, &tokens, at(60)).unwrap();
        assert!(!later.are_in(&info));
        later.put_into(&mut info);
        let keys: Vec<_> = info.keys().map(String::as_str).collect();
        assert_eq!(keys, ["jws-kubeconfig-aaaaaa", KUBECONFIG, "other"]);
    }

    #[test]
    fn a_signature_changes_with_the_document_and_with_the_secret() {
        let sign = |document, secret| {
            let tokens = [token("aaaaaa", secret, &[SIGNING])];
            plan(&data(&[(KUBECONFIG, document)]), &tokens, at(0))
                .unwrap()
                .wanted
        };
        let first = sign("document", "0123456789abcdef");
        assert_ne!(first, sign("Document", "0123456789abcdef"));
        assert_ne!(first, sign("document", "0123456789abcdee"));
        assert_eq!(first, sign("document", "0123456789abcdef"));
        // Computed with Kubernetes' own construction: HMAC-SHA256 over the two base64url parts, key as it is.
        let jws = &first["jws-kubeconfig-aaaaaa"];
        assert!(
            jws.starts_with("eyJhbGciOiJIUzI1NiIsImtpZCI6ImFhYWFhYSJ9.."),
            "{jws}"
        );
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"0123456789abcdef");
        use base64::Engine as _;
        let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        let input = format!(
            "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFhYWFhYSJ9.{}",
            encode(b"document")
        );
        let mac = encode(ring::hmac::sign(&key, input.as_bytes()).as_ref());
        assert_eq!(jws.rsplit('.').next().unwrap(), mac);
    }

    #[test]
    fn what_another_signer_makes_of_a_secret_we_cannot_read_stays() {
        let tokens = [token("aaaaaa", "SHORT", &[SIGNING])];
        let info = data(&[
            (KUBECONFIG, "document"),
            ("jws-kubeconfig-aaaaaa", "theirs"),
        ]);
        assert!(plan(&info, &tokens, at(0)).unwrap().are_in(&info));
        let gone = plan(&info, &[], at(0)).unwrap();
        assert!(!gone.are_in(&info));
    }

    #[test]
    fn without_a_document_nothing_is_signed() {
        let tokens = [token("aaaaaa", "0123456789abcdef", &[SIGNING])];
        let mut info = data(&[("jws-kubeconfig-aaaaaa", "old")]);
        plan(&info, &tokens, at(0)).unwrap().put_into(&mut info);
        assert_eq!(info, data(&[]));
    }
}
