use proptest::prelude::*;

use super::*;

const CONTENT: &[u8] = b"Hello from the other side. I must have called a thousand times.";

fn token(text: &str) -> BootstrapToken {
    text.parse().unwrap()
}

fn detached(id: &str, secret: &str, payload: &[u8]) -> String {
    let compact = compute(id, secret.as_bytes(), payload).unwrap();
    let segments = Segments::of(&compact).unwrap();
    format!("{}..{}", segments.header, segments.signature)
}

#[test]
fn the_vectors_of_kubernetes() {
    assert_eq!(
        detached("joshua", "my voice is my passcode", CONTENT),
        "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8"
    );
    assert!(
        detached("joshua", "my voice is my passcode", b"")
            .ends_with("..7Ui1ALizW4jXphVUB7xUqC9vLYLL9RZeOFfVLoB7Tgk")
    );
    assert_eq!(
        detached("abc123", "tokenSecret", b"payload"),
        "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiYzEyMyJ9..QSxpUG7Q542CirTI2ECPSZjvBOJURUW5a7XqFpNI958"
    );
}

#[test]
fn the_header_is_the_one_of_the_contract_byte_for_byte() {
    let jws = sign(&token("abcdef.0123456789abcdef"), b"").unwrap();
    let header = URL_SAFE_NO_PAD
        .decode(jws.split('.').next().unwrap())
        .unwrap();
    assert_eq!(header, br#"{"alg":"HS256","kid":"abcdef"}"#);
}

#[test]
fn what_passes_is_remembered_with_its_token() {
    let token = token("abcdef.0123456789abcdef");
    let signed = verify(&token, &sign(&token, CONTENT).unwrap(), CONTENT).unwrap();
    assert_eq!(signed.as_bytes(), CONTENT);
    assert_eq!(signed.token_id().as_str(), "abcdef");
    let compact = sign_compact(&token, CONTENT).unwrap();
    assert_eq!(verify(&token, &compact, CONTENT).unwrap(), signed);
    assert_eq!(verify_compact(&token, &compact).unwrap(), signed);
    assert!(!format!("{signed:?}").contains("0123456789abcdef"));
}

#[test]
fn another_secret_another_token_or_another_content_is_refused() {
    let signer = token("abcdef.0123456789abcdef");
    let jws = sign(&signer, CONTENT).unwrap();
    let refused = |token: &BootstrapToken, jws: &str, payload: &[u8]| {
        verify(token, jws, payload).unwrap_err()
    };
    assert!(matches!(
        refused(&token("abcdef.0123456789abcdeg"), &jws, CONTENT),
        JwsError::SignatureMismatch
    ));
    assert!(matches!(
        refused(&token("abcdeg.0123456789abcdef"), &jws, CONTENT),
        JwsError::WrongKeyId { .. }
    ));
    for index in 0..CONTENT.len() {
        let mut altered = CONTENT.to_vec();
        altered[index] ^= 1;
        assert!(matches!(
            refused(&signer, &jws, &altered),
            JwsError::SignatureMismatch
        ));
    }
    let compact = sign_compact(&signer, CONTENT).unwrap();
    assert!(matches!(
        refused(&signer, &compact, b"other"),
        JwsError::PayloadMismatch
    ));
    assert!(matches!(
        verify_compact(&signer, &jws).unwrap_err(),
        JwsError::NoPayload
    ));
}

/// A JWS over `CONTENT` whose signature is right for its header, whatever the header says.
fn with_header(header: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(header);
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(CONTENT));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"0123456789abcdef");
    let signature = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, message.as_bytes()));
    format!("{header}..{signature}")
}

#[test]
fn only_the_exact_header_is_accepted_even_with_a_right_signature() {
    let token = token("abcdef.0123456789abcdef");
    verify(
        &token,
        &with_header(r#"{"alg":"HS256","kid":"abcdef"}"#),
        CONTENT,
    )
    .unwrap();
    for header in [
        r#"{"kid":"abcdef","alg":"HS256"}"#,
        r#"{"alg":"none","kid":"abcdef"}"#,
        r#"{"alg":"RS256","kid":"abcdef"}"#,
        r#"{"alg":"ES256","kid":"abcdef"}"#,
        r#"{"alg":"HS384","kid":"abcdef"}"#,
        r#"{"alg":"hs256","kid":"abcdef"}"#,
        r#"{"alg":"HS256","kid":"abcdef","typ":"JWT"}"#,
        r#"{"alg":"HS256","kid":"abcdef","kid":"abcdef"}"#,
        r#"{"alg":"HS256","alg":"HS256","kid":"abcdef"}"#,
        r#"{"alg":"HS256", "kid":"abcdef"}"#,
        r#"{"alg":"HS256","kid":"ab\u0063def"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","kid":""}"#,
        "{}",
        "",
    ] {
        let error = verify(&token, &with_header(header), CONTENT).unwrap_err();
        assert!(
            matches!(error, JwsError::UnexpectedHeader),
            "{header}: {error}"
        );
    }
    let error = verify(
        &token,
        &with_header(r#"{"alg":"HS256","kid":"abcdeg"}"#),
        CONTENT,
    )
    .unwrap_err();
    assert!(matches!(error, JwsError::WrongKeyId { .. }));
}

#[test]
fn one_signature_has_one_spelling() {
    let token = token("abcdef.0123456789abcdef");
    let jws = sign(&token, CONTENT).unwrap();
    for altered in [
        format!("{jws}="),
        format!("{jws}\n"),
        format!(" {jws}"),
        format!("{jws}."),
        jws.replace("..", "."),
        jws.replace("..", "..."),
        jws.replace('-', "+").replace('_', "/"),
        jws[..jws.len() - 1].to_owned(),
        jws.split("..").next().unwrap().to_owned() + "..",
        String::new(),
    ] {
        if altered != jws {
            assert!(verify(&token, &altered, CONTENT).is_err(), "{altered}");
        }
    }
    // 32 bytes leave two bits of the last character unused; they must be zero.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let position = alphabet.find(&jws[jws.len() - 1..]).unwrap();
    let twin = format!(
        "{}{}",
        &jws[..jws.len() - 1],
        &alphabet[position + 1..position + 2]
    );
    assert!(matches!(
        verify(&token, &twin, CONTENT),
        Err(JwsError::Malformed(_))
    ));
}

proptest! {
    #[test]
    fn an_independent_implementation_computes_the_same(secret in "[a-z0-9]{16}", payload: Vec<u8>) {
        let token = token(&format!("abcdef.{secret}"));
        let jws = sign(&token, &payload).unwrap();
        let message = format!("{}.{}", jws.split('.').next().unwrap(), URL_SAFE_NO_PAD.encode(&payload));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
        let signature = URL_SAFE_NO_PAD.decode(jws.rsplit('.').next().unwrap()).unwrap();
        prop_assert!(ring::hmac::verify(&key, message.as_bytes(), &signature).is_ok());
    }

    #[test]
    fn no_text_makes_the_verifier_panic(jws in "[a-zA-Z0-9_.=-]{0,200}") {
        let _ = verify(&token("abcdef.0123456789abcdef"), &jws, CONTENT);
    }
}
