//! What a certificate signing request must be like. Figures: pkg/apis/certificates/validation.

use std::collections::HashSet;

use der::{Decode as _, pem};
use k8s_openapi::api::certificates::v1::CertificateSigningRequestSpec;
use slipway_pki::csr::{CertificateRequest, CsrError};
use slipway_pki::key::SignatureError;
use x509_cert::Certificate;
use x509_cert::request::CertReq;

use crate::strategy::Violation;

/// The shortest lifetime that may be asked for, in seconds.
const MIN_EXPIRATION_SECONDS: i32 = 600;

/// Every usage that `certificates.k8s.io/v1` knows, in the order in which answers list them.
const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

/// Everything wrong with a spec.
pub(super) fn spec(spec: &CertificateSigningRequestSpec) -> Vec<Violation> {
    let mut found = Vec::new();
    if let Err(detail) = request(&spec.request.0) {
        found.push(Violation::invalid("spec.request", detail));
    }
    if let Err(violation) = signer_name(&spec.signer_name) {
        found.push(violation);
    }
    found.extend(usages(spec.usages.as_deref().unwrap_or_default()));
    let seconds = spec.expiration_seconds;
    if let Some(seconds) = seconds.filter(|seconds| *seconds < MIN_EXPIRATION_SECONDS) {
        found.push(Violation::invalid(
            "spec.expirationSeconds",
            format!(
                "{seconds}: may not specify a duration less than {MIN_EXPIRATION_SECONDS} seconds ({} minutes)",
                MIN_EXPIRATION_SECONDS / 60
            ),
        ));
    }
    found
}

/// The bytes must be one PEM block `CERTIFICATE REQUEST` with a PKCS#10 request in it, signed with the
/// key that it carries.
fn request(bytes: &[u8]) -> Result<(), String> {
    let (label, der) =
        pem::decode_vec(bytes).map_err(|error| format!("is not one PEM block: {error}"))?;
    if label != "CERTIFICATE REQUEST" {
        return Err(format!(
            "the PEM block is {label:?}, not \"CERTIFICATE REQUEST\""
        ));
    }
    CertReq::from_der(&der)
        .map_err(|error| format!("is not a PKCS#10 certificate request: {error}"))?;
    // What is stricter than Kubernetes is for the guardrails to say, in a condition that stays.
    match CertificateRequest::from_der(&der) {
        Err(CsrError::Signature(error @ SignatureError::Mismatch)) => {
            Err(format!("is not signed with its own key: {error}"))
        }
        _ => Ok(()),
    }
}

/// `<domain of at least two labels>/<path of dot-separated labels>`.
fn signer_name(name: &str) -> Result<(), Violation> {
    const FIELD: &str = "spec.signerName";
    let malformed = || {
        let form =
            "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        Violation::invalid(FIELD, format!("{name:?}: {form}"))
    };
    if name.is_empty() {
        return Err(Violation::missing(FIELD));
    }
    if name == "kubernetes.io/legacy-unknown" {
        return Err(Violation::invalid(
            FIELD,
            format!("{name:?}: the legacy signerName is not allowed via this API version"),
        ));
    }
    let (domain, path) = name.split_once('/').ok_or_else(malformed)?;
    let domain_holds =
        domain.len() <= 253 && domain.contains('.') && domain.split('.').all(is_label);
    let path_holds = path.len() <= 317 && path.split('.').all(is_label);
    if domain_holds && path_holds {
        Ok(())
    } else {
        Err(malformed())
    }
}

/// A DNS-1123 label.
fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !label.is_empty()
        && label.len() <= 63
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn usages(usages: &[String]) -> Vec<Violation> {
    if usages.is_empty() {
        return vec![Violation::missing("spec.usages")];
    }
    let mut seen = HashSet::new();
    usages
        .iter()
        .enumerate()
        .filter_map(|(index, usage)| {
            let field = format!("spec.usages[{index}]");
            if !USAGES.contains(&usage.as_str()) {
                Some(Violation::not_supported(field, usage, &USAGES))
            } else if !seen.insert(usage) {
                Some(Violation::duplicate(field, format!("{usage:?}")))
            } else {
                None
            }
        })
        .collect()
}

/// An issued certificate: one or more PEM blocks `CERTIFICATE` and nothing else that is PEM.
pub(super) fn certificate(bytes: &[u8]) -> Result<(), String> {
    let chain = Certificate::load_pem_chain(bytes)
        .map_err(|error| format!("is not a chain of PEM certificates: {error}"))?;
    if chain.is_empty() {
        return Err("holds no certificate".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn valid() -> CertificateSigningRequestSpec {
        let key = KeyPair::generate().unwrap();
        let pem = CertificateParams::default()
            .serialize_request(&key)
            .unwrap()
            .pem()
            .unwrap();
        CertificateSigningRequestSpec {
            request: ByteString(pem.into_bytes()),
            signer_name: "kubernetes.io/kube-apiserver-client-kubelet".into(),
            usages: Some(vec!["digital signature".into(), "client auth".into()]),
            expiration_seconds: Some(600),
            ..CertificateSigningRequestSpec::default()
        }
    }

    fn fields(changed: &CertificateSigningRequestSpec) -> Vec<String> {
        spec(changed)
            .into_iter()
            .map(|violation| violation.field)
            .collect()
    }

    #[test]
    fn a_kubelets_request_is_valid() {
        assert_eq!(spec(&valid()), []);
    }

    #[test]
    fn the_request_is_one_pem_block_of_the_right_kind() {
        let pem = String::from_utf8(valid().request.0).unwrap();
        for bad in [
            String::new(),
            "text".into(),
            pem.replace("CERTIFICATE REQUEST", "CERTIFICATE"),
            pem.replace("M", "N"),
            format!("{pem}{pem}"),
        ] {
            let changed = CertificateSigningRequestSpec {
                request: ByteString(bad.clone().into_bytes()),
                ..valid()
            };
            assert_eq!(fields(&changed), ["spec.request"], "{bad}");
        }
    }

    #[test]
    fn the_request_is_signed_with_its_own_key() {
        let text = String::from_utf8(valid().request.0).unwrap();
        let (_, mut der) = pem::decode_vec(text.as_bytes()).unwrap();
        *der.last_mut().unwrap() ^= 1;
        let forged = pem::encode_string("CERTIFICATE REQUEST", pem::LineEnding::LF, &der).unwrap();
        let detail = request(forged.as_bytes()).unwrap_err();
        assert!(detail.contains("not signed with its own key"), "{detail}");
    }

    #[test]
    fn a_signer_is_a_domain_and_a_path() {
        for good in ["example.com/a", "example.com/a.b-c", "a.b.c/d"] {
            assert_eq!(signer_name(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "example/a",
            "example.com/",
            "/a",
            "example.com/a/b",
            "Example.com/a",
            "example.com/-a",
            "example.com/A",
            "kubernetes.io/legacy-unknown",
            "example..com/a",
        ] {
            let changed = CertificateSigningRequestSpec {
                signer_name: bad.into(),
                ..valid()
            };
            assert_eq!(fields(&changed), ["spec.signerName"], "{bad}");
        }
    }

    #[test]
    fn usages_are_known_and_unique() {
        let with = |usages: &[&str]| CertificateSigningRequestSpec {
            usages: Some(usages.iter().map(|&usage| usage.to_owned()).collect()),
            ..valid()
        };
        assert_eq!(fields(&with(&[])), ["spec.usages"]);
        assert_eq!(fields(&with(&["client auth", "root"])), ["spec.usages[1]"]);
        assert_eq!(fields(&with(&["any", "any"])), ["spec.usages[1]"]);
    }

    #[test]
    fn ten_minutes_is_the_least() {
        for (seconds, expected) in [(599, 1), (0, 1), (-1, 1), (600, 0)] {
            let changed = CertificateSigningRequestSpec {
                expiration_seconds: Some(seconds),
                ..valid()
            };
            assert_eq!(spec(&changed).len(), expected, "{seconds}");
        }
    }

    #[test]
    fn a_certificate_is_a_pem_chain() {
        let key = KeyPair::generate().unwrap();
        let pem = CertificateParams::default()
            .self_signed(&key)
            .unwrap()
            .pem();
        assert_eq!(certificate(pem.as_bytes()), Ok(()));
        assert_eq!(certificate(format!("{pem}{pem}").as_bytes()), Ok(()));
        for bad in [
            "",
            "text",
            &key.serialize_pem(),
            &format!("{pem}{}", key.serialize_pem()),
        ] {
            assert!(certificate(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
