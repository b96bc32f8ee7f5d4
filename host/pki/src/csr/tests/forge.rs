//! Requests as no honest tool writes them, put together byte by byte.

use der::asn1::ObjectIdentifier;

use crate::key::{PrivateKey, PublicKeyAlgorithm};

pub(crate) const CN: &str = "2.5.4.3";
pub(crate) const O: &str = "2.5.4.10";
pub(crate) const OU: &str = "2.5.4.11";
pub(crate) const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";
pub(crate) const SUBJECT_ALT_NAME: &str = "2.5.29.17";
pub(crate) const KEY_USAGE: &str = "2.5.29.15";

pub(crate) const PRINTABLE: u8 = 0x13;
pub(crate) const UTF8: u8 = 0x0c;
pub(crate) const TELETEX: u8 = 0x14;

/// Names in a subject alternative name.
pub(crate) const EMAIL: u8 = 0x81;
pub(crate) const DNS: u8 = 0x82;
pub(crate) const DIRECTORY: u8 = 0xa4;
pub(crate) const URI: u8 = 0x86;
pub(crate) const IP: u8 = 0x87;
pub(crate) const REGISTERED_ID: u8 = 0x88;
pub(crate) const OTHER_NAME: u8 = 0xa0;

/// A request to be forged: each part is DER that can be exchanged.
pub(crate) struct Forge {
    pub(crate) version: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) spki: Vec<u8>,
    /// The attributes, without the tag around them.
    pub(crate) attributes: Vec<u8>,
    pub(crate) signature_algorithm: Vec<u8>,
}

impl Forge {
    /// What an honest node of this name would ask for.
    pub(crate) fn node(name: &str, key: &PrivateKey) -> Self {
        Self {
            version: tlv(0x02, &[0]),
            subject: name_of(&[
                rdn(O, UTF8, b"system:nodes"),
                rdn(CN, UTF8, format!("system:node:{name}").as_bytes()),
            ]),
            spki: key.public_key().spki_der().to_vec(),
            attributes: Vec::new(),
            signature_algorithm: match key.public_key().algorithm() {
                PublicKeyAlgorithm::EcdsaP256 => seq(&[oid("1.2.840.10045.4.3.2")]),
                PublicKeyAlgorithm::EcdsaP384 => seq(&[oid("1.2.840.10045.4.3.3")]),
                PublicKeyAlgorithm::Ed25519 => seq(&[oid("1.3.101.112")]),
                PublicKeyAlgorithm::Rsa(_) => seq(&[oid("1.2.840.113549.1.1.11"), tlv(0x05, &[])]),
            },
        }
    }

    pub(crate) fn subject(self, rdns: &[Vec<u8>]) -> Self {
        Self {
            subject: name_of(rdns),
            ..self
        }
    }

    pub(crate) fn attributes(self, attributes: &[Vec<u8>]) -> Self {
        Self {
            attributes: attributes.concat(),
            ..self
        }
    }

    /// Asks for these names, each with its tag.
    pub(crate) fn alternative_names(self, names: &[(u8, &[u8])]) -> Self {
        let names: Vec<Vec<u8>> = names.iter().map(|(tag, value)| tlv(*tag, value)).collect();
        self.attributes(&[extension_request(&[extension(
            SUBJECT_ALT_NAME,
            &seq(&names),
        )])])
    }

    pub(crate) fn info(&self) -> Vec<u8> {
        let attributes = tlv(0xa0, &self.attributes);
        seq(&[
            self.version.clone(),
            self.subject.clone(),
            self.spki.clone(),
            attributes,
        ])
    }

    /// The request, signed by `key` over exactly these bytes.
    pub(crate) fn sign(&self, key: &PrivateKey) -> Vec<u8> {
        self.with_signature(&key.sign(&self.info()).unwrap())
    }

    pub(crate) fn with_signature(&self, signature: &[u8]) -> Vec<u8> {
        let signature = tlv(0x03, &[&[0], signature].concat());
        seq(&[self.info(), self.signature_algorithm.clone(), signature])
    }

    /// The same in PEM.
    pub(crate) fn pem(&self, key: &PrivateKey) -> Vec<u8> {
        crate::pem::encode("CERTIFICATE REQUEST", &self.sign(key))
            .unwrap()
            .into_bytes()
    }
}

/// Tag, shortest length, value.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    match value.len() {
        length @ 0..0x80 => der.push(length as u8),
        length @ 0x80..0x100 => der.extend([0x81, length as u8]),
        length => der.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    der.extend(value);
    der
}

/// The same with a length in one byte more than is needed: BER, and not DER.
pub(crate) fn tlv_ber(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut ber = vec![tag];
    match value.len() {
        length @ 0..0x80 => ber.extend([0x81, length as u8]),
        length @ 0x80..0x100 => ber.extend([0x82, 0, length as u8]),
        length => ber.extend([0x83, 0, (length >> 8) as u8, length as u8]),
    }
    ber.extend(value);
    ber
}

pub(crate) fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    tlv(0x06, ObjectIdentifier::new(dotted).unwrap().as_bytes())
}

/// One attribute of a name.
pub(crate) fn attribute(kind: &str, tag: u8, value: &[u8]) -> Vec<u8> {
    seq(&[oid(kind), tlv(tag, value)])
}

/// A relative distinguished name with one attribute.
pub(crate) fn rdn(kind: &str, tag: u8, value: &[u8]) -> Vec<u8> {
    tlv(0x31, &attribute(kind, tag, value))
}

pub(crate) fn name_of(rdns: &[Vec<u8>]) -> Vec<u8> {
    seq(rdns)
}

pub(crate) fn extension(kind: &str, value: &[u8]) -> Vec<u8> {
    seq(&[oid(kind), tlv(0x04, value)])
}

/// The attribute that asks for extensions.
pub(crate) fn extension_request(extensions: &[Vec<u8>]) -> Vec<u8> {
    seq(&[oid(EXTENSION_REQUEST), tlv(0x31, &seq(extensions))])
}
