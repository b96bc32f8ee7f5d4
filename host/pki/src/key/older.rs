//! Keys in the forms that came before PKCS#8, and elliptic keys without their public half. They are taken apart and put
//! together here: OpenSSL, which computes the missing half, gets nothing but a number of the right length, since josekit
//! believes the lengths in what it reads and panics over keys that OpenSSL does not take.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{
    Decode as _, Encode as _, ErrorKind, Reader as _, SliceReader, Tag, TagNumber, Tagged as _,
};
use josekit::jwk::KeyPair as _;
use josekit::jwk::alg::ec::EcKeyPair;
use zeroize::Zeroizing;

use crate::pem;

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// An elliptic key as SEC 1 has it.
struct Elliptic {
    curve: ObjectIdentifier,
    /// The private number, as long as the curve's field.
    number: Zeroizing<Vec<u8>>,
    /// The public point, where it stands there.
    point: Option<Vec<u8>>,
}

/// PKCS#8 of an elliptic key in SEC 1 (`EC PRIVATE KEY`), with its public half.
pub(super) fn from_sec1(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    Elliptic::from_sec1(der, None).ok()?.completed()
}

/// PKCS#8 of an elliptic key in PKCS#8 that may lack its public half; none where it is of another kind.
pub(super) fn from_pkcs8(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    Elliptic::from_pkcs8(der).ok()?.completed()
}

/// PKCS#8 of an RSA key in PKCS#1 (`RSA PRIVATE KEY`).
pub(super) fn from_pkcs1(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Version 0, and rsaEncryption without parameters (RFC 8017, appendix A.1).
    const HEAD: [u8; 18] = [
        2, 1, 0, 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0,
    ];
    sequence(der).ok()?;
    let key = tlv(Tag::OctetString, der)?;
    tlv(Tag::Sequence, &Zeroizing::new([&HEAD[..], &key].concat()))
}

impl Elliptic {
    /// RFC 5915.
    fn from_sec1(der: &[u8], outer: Option<ObjectIdentifier>) -> der::Result<Self> {
        const PARAMETERS: TagNumber = TagNumber(0);
        const PUBLIC_KEY: TagNumber = TagNumber(1);
        let mut fields = sequence(der)?;
        expect(&mut fields, Tag::Integer)?;
        let number = expect(&mut fields, Tag::OctetString)?;
        let (mut curve, mut point) = (outer, None);
        while !fields.is_finished() {
            let field = AnyRef::decode(&mut fields)?;
            match field.tag() {
                Tag::ContextSpecific { number, .. } if number == PARAMETERS => {
                    let inner = ObjectIdentifier::from_der(field.value())?;
                    curve = Some(inner).filter(|inner| outer.is_none_or(|outer| outer == *inner));
                }
                Tag::ContextSpecific { number, .. } if number == PUBLIC_KEY => {
                    let bits = AnyRef::from_der(field.value())?;
                    let (unused, bytes) = bits.value().split_first().ok_or(ErrorKind::Failed)?;
                    if bits.tag() != Tag::BitString || *unused != 0 {
                        return Err(ErrorKind::Failed.into());
                    }
                    point = Some(bytes.to_vec());
                }
                _ => return Err(ErrorKind::Failed.into()),
            }
        }
        Ok(Self {
            curve: curve.ok_or(ErrorKind::Failed)?,
            number: Zeroizing::new(number.to_vec()),
            point,
        })
    }

    /// RFC 5208 and RFC 5480.
    fn from_pkcs8(der: &[u8]) -> der::Result<Self> {
        let mut fields = sequence(der)?;
        expect(&mut fields, Tag::Integer)?;
        let mut algorithm = SliceReader::new(expect(&mut fields, Tag::Sequence)?)?;
        if ObjectIdentifier::decode(&mut algorithm)? != EC_PUBLIC_KEY {
            return Err(ErrorKind::Failed.into());
        }
        let curve = ObjectIdentifier::decode(&mut algorithm)?;
        Self::from_sec1(expect(&mut fields, Tag::OctetString)?, Some(curve))
    }

    /// The key in PKCS#8 with the public half that belongs to it; none where another stands there.
    fn completed(&self) -> Option<Zeroizing<Vec<u8>>> {
        let bare = EcKeyPair::from_der(self.bare()?.as_slice(), None).ok()?;
        // OpenSSL remembers that the half was missing and leaves it out again; a key read from a JWK has it.
        let whole = EcKeyPair::from_jwk(&bare.to_jwk_key_pair()).ok()?;
        // josekit's own DER is SEC 1; its PEM is PKCS#8.
        let pem = Zeroizing::new(whole.to_pem_private_key());
        let pkcs8 = Zeroizing::new(pem::single(&pem, "PRIVATE KEY").ok()?);
        match &self.point {
            Some(point) if Self::from_pkcs8(&pkcs8).ok()?.point.as_ref() != Some(point) => None,
            _ => Some(pkcs8),
        }
    }

    /// The key in PKCS#8 with nothing but its number.
    fn bare(&self) -> Option<Zeroizing<Vec<u8>>> {
        let length = match self.curve {
            P256 => 32,
            P384 => 48,
            _ => return None,
        };
        if self.number.len() != length || self.number.iter().all(|byte| *byte == 0) {
            return None;
        }
        let number = tlv(Tag::OctetString, &self.number)?;
        let sec1 = tlv(
            Tag::Sequence,
            &Zeroizing::new([&[2, 1, 1][..], &number].concat()),
        )?;
        let curve = [EC_PUBLIC_KEY.to_der().ok()?, self.curve.to_der().ok()?].concat();
        let parts = [
            &[2, 1, 0][..],
            &tlv(Tag::Sequence, &curve)?,
            &tlv(Tag::OctetString, &sec1)?,
        ];
        tlv(Tag::Sequence, &Zeroizing::new(parts.concat()))
    }
}

/// What is in a sequence, with nothing after it.
fn sequence(der: &[u8]) -> der::Result<SliceReader<'_>> {
    let outer = AnyRef::from_der(der)?;
    match outer.tag() {
        Tag::Sequence => SliceReader::new(outer.value()),
        _ => Err(ErrorKind::Failed.into()),
    }
}

fn expect<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> der::Result<&'a [u8]> {
    let field = AnyRef::decode(reader)?;
    if field.tag() == tag {
        Ok(field.value())
    } else {
        Err(ErrorKind::Failed.into())
    }
}

fn tlv(tag: Tag, value: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let value = AnyRef::new(tag, value).ok()?;
    value.to_der().ok().map(Zeroizing::new)
}
