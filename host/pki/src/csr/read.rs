//! The strict reader.

use der::asn1::ObjectIdentifier;
use der::{Decode, Encode};
use x509_cert::attr::Attributes;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::name::Name;
use x509_cert::request::{CertReq, ExtensionReq};

use super::{CsrError, SubjectAttribute, UnverifiedRequest};
use crate::certificate::text;
use crate::key::PublicKey;
use crate::pem;

/// Longest request that is read, in bytes of PEM or DER. An honest one with an RSA key of 8192 bits and a hundred names
/// is a quarter of it.
const LIMIT: usize = 16 * 1024;

const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

pub(super) fn from_pem(text: &[u8]) -> Result<UnverifiedRequest, CsrError> {
    check_length(text)?;
    from_der(&pem::single(text, "CERTIFICATE REQUEST")?)
}

pub(super) fn from_der(der: &[u8]) -> Result<UnverifiedRequest, CsrError> {
    check_length(der)?;
    let request = CertReq::from_der(der)?;
    if request.to_der()? != der {
        return Err(CsrError::NotCanonical);
    }
    let subject = subject(&request.info.subject)?;
    let (alternative_names, other_extensions) = extensions(&request.info.attributes)?;
    let public_key = PublicKey::from_spki_der(&request.info.public_key.to_der()?)?;
    Ok(UnverifiedRequest {
        der: der.to_vec(),
        read: request,
        subject,
        public_key,
        alternative_names,
        other_extensions,
    })
}

fn check_length(bytes: &[u8]) -> Result<(), CsrError> {
    if bytes.len() > LIMIT {
        Err(CsrError::TooLarge {
            length: bytes.len(),
            limit: LIMIT,
        })
    } else {
        Ok(())
    }
}

fn subject(name: &Name) -> Result<Vec<SubjectAttribute>, CsrError> {
    let read =
        |rdn: &x509_cert::name::RelativeDistinguishedName| match (rdn.iter().next(), rdn.len()) {
            (Some(attribute), 1) => Ok(SubjectAttribute {
                oid: attribute.oid,
                value: text(&attribute.value)
                    .ok_or_else(|| CsrError::SubjectText(attribute.oid.to_string()))?,
            }),
            (_, count) => Err(CsrError::MultiValuedName(count)),
        };
    name.iter_rdn().map(read).collect()
}

type Extensions = (
    Option<Vec<x509_cert::ext::pkix::name::GeneralName>>,
    Vec<String>,
);

fn extensions(attributes: &Attributes) -> Result<Extensions, CsrError> {
    let mut request = None;
    for attribute in attributes.iter() {
        if attribute.oid != EXTENSION_REQUEST {
            return Err(CsrError::UnknownAttribute(attribute.oid.to_string()));
        }
        if request.replace(attribute).is_some() {
            return Err(CsrError::DuplicateAttribute(attribute.oid.to_string()));
        }
    }
    let Some(attribute) = request else {
        return Ok((None, Vec::new()));
    };
    let [value] = attribute.values.as_slice() else {
        return Err(CsrError::ExtensionValues(attribute.values.len()));
    };
    let value = value.to_der()?;
    let ExtensionReq(extensions) = ExtensionReq::from_der(&value)?;
    canonical(&extensions, &value)?;
    check_unique(&extensions)?;
    let mut alternative_names = None;
    let mut others = Vec::new();
    for extension in &extensions {
        if extension.extn_id == SUBJECT_ALT_NAME {
            let names = SubjectAltName::from_der(extension.extn_value.as_bytes())?;
            canonical(&names.0, extension.extn_value.as_bytes())?;
            alternative_names = Some(names.0);
        } else {
            others.push(extension.extn_id.to_string());
        }
    }
    Ok((alternative_names, others))
}

/// The whole request is compared already, but what is wrapped in octet strings or read as ANY is opaque to that.
fn canonical(value: &impl Encode, der: &[u8]) -> Result<(), CsrError> {
    if value.to_der()? == der {
        Ok(())
    } else {
        Err(CsrError::NotCanonical)
    }
}

fn check_unique(extensions: &[Extension]) -> Result<(), CsrError> {
    for (index, extension) in extensions.iter().enumerate() {
        if extensions
            .iter()
            .take(index)
            .any(|earlier| earlier.extn_id == extension.extn_id)
        {
            return Err(CsrError::DuplicateExtension(extension.extn_id.to_string()));
        }
    }
    Ok(())
}
