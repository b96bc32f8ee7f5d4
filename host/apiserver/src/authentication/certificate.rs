//! The identity in a client certificate: CN is the user, each O a group.

use std::fmt::Write as _;

use der::asn1::{Ia5StringRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use der::{Decode, Tag, Tagged};
use ring::digest::{SHA256, digest};
use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;

use super::{CREDENTIAL_ID, UserInfo};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// Why a certificate that the client CA signed still names nobody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// The certificate is not strict DER.
    #[error("the client certificate cannot be read")]
    Malformed(#[source] der::Error),
    /// The subject has no common name, or an empty one.
    #[error("the client certificate's subject has no common name")]
    NoCommonName,
    /// The subject has several common names: which one is the user would be a guess.
    #[error("the client certificate's subject has more than one common name")]
    SeveralCommonNames,
    /// A name is not text.
    #[error("the client certificate's subject has a name that is not text")]
    NotText,
}

/// Reads the identity from a certificate (DER) whose chain has been verified.
///
/// # Errors
/// When the subject does not name exactly one user.
pub(crate) fn user_from_certificate(der: &[u8]) -> Result<UserInfo, CertificateError> {
    let certificate = Certificate::from_der(der).map_err(CertificateError::Malformed)?;
    let subject = certificate.tbs_certificate().subject();
    let mut names = subject
        .iter()
        .filter(|attribute| attribute.oid == COMMON_NAME);
    let name = text(names.next().ok_or(CertificateError::NoCommonName)?)?;
    if names.next().is_some() {
        return Err(CertificateError::SeveralCommonNames);
    }
    if name.is_empty() {
        return Err(CertificateError::NoCommonName);
    }
    let groups = subject
        .iter()
        .filter(|attribute| attribute.oid == ORGANIZATION)
        .map(text)
        .collect::<Result<Vec<_>, _>>()?;
    let mut user = UserInfo::authenticated(name, groups);
    user.extra.insert(
        CREDENTIAL_ID.to_owned(),
        vec![format!("X509SHA256={}", hex(digest(&SHA256, der).as_ref()))],
    );
    Ok(user)
}

fn text(attribute: &AttributeTypeAndValue) -> Result<String, CertificateError> {
    let value = &attribute.value;
    match value.tag() {
        Tag::Utf8String => value
            .decode_as::<Utf8StringRef<'_>>()
            .map(|text| text.as_str().to_owned()),
        Tag::PrintableString => value
            .decode_as::<PrintableStringRef<'_>>()
            .map(|text| text.as_str().to_owned()),
        Tag::Ia5String => value
            .decode_as::<Ia5StringRef<'_>>()
            .map(|text| text.as_str().to_owned()),
        _ => return Err(CertificateError::NotText),
    }
    .map_err(|_| CertificateError::NotText)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair};

    use super::*;

    fn certificate(names: &[(DnType, &str)]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in names {
            params
                .distinguished_name
                .push(kind.clone(), DnValue::Utf8String((*value).to_owned()));
        }
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_subject_is_user_and_groups() {
        let der = certificate(&[
            (DnType::OrganizationName, "system:nodes"),
            (DnType::CommonName, "system:node:n1"),
        ]);
        let user = user_from_certificate(&der).unwrap();
        assert_eq!(user.username, "system:node:n1");
        assert_eq!(user.groups, ["system:nodes", "system:authenticated"]);
        let id = &user.extra[CREDENTIAL_ID][0];
        assert_eq!(id.len(), "X509SHA256=".len() + 64);
    }

    #[test]
    fn without_a_name_there_is_no_user() {
        for names in [
            &[(DnType::OrganizationName, "system:masters")][..],
            &[(DnType::CommonName, "")][..],
        ] {
            assert!(matches!(
                user_from_certificate(&certificate(names)),
                Err(CertificateError::NoCommonName)
            ));
        }
        assert!(matches!(
            user_from_certificate(b"no certificate"),
            Err(CertificateError::Malformed(_))
        ));
    }

    #[test]
    fn two_names_are_a_guess() {
        let mut der = certificate(&[
            (DnType::OrganizationName, "AAAAAAAAAA"),
            (DnType::CommonName, "ann"),
        ]);
        // rcgen cannot write two CNs: turn every O (2.5.4.10) into a CN (2.5.4.3).
        for index in 0..der.len() - 5 {
            if der[index..index + 5] == [0x06, 0x03, 0x55, 0x04, 0x0a] {
                der[index + 4] = 0x03;
            }
        }
        assert!(matches!(
            user_from_certificate(&der),
            Err(CertificateError::SeveralCommonNames)
        ));
    }
}
