//! The names in a certificate that Slipway reads.

use std::fmt;
use std::net::IpAddr;

use der::asn1::{Any, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

pub(crate) const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
pub(crate) const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// Common names and organizations of a subject, as far as they are text; to Kubernetes they are user and groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The common names, in their order. One, in a certificate that makes sense.
    pub common_names: Vec<String>,
    /// The organizations, in their order.
    pub organizations: Vec<String>,
}

/// Names and addresses that a certificate is valid for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlternativeNames {
    /// DNS names.
    pub dns: Vec<String>,
    /// IP addresses.
    pub addresses: Vec<IpAddr>,
    /// How many names of other kinds there are: e-mail addresses, URIs and the like.
    pub others: usize,
}

impl Subject {
    /// The common name, where there is exactly one.
    pub fn common_name(&self) -> Option<&str> {
        match self.common_names.as_slice() {
            [name] => Some(name),
            _ => None,
        }
    }

    pub(crate) fn from_name(name: &Name) -> Self {
        let texts = |oid| {
            let attributes = name.iter().filter(move |attribute| attribute.oid == oid);
            attributes
                .filter_map(|attribute| text(&attribute.value))
                .collect()
        };
        Self {
            common_names: texts(COMMON_NAME),
            organizations: texts(ORGANIZATION),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let organizations = self.organizations.iter().map(|value| ("O", value));
        let common_names = self.common_names.iter().map(|value| ("CN", value));
        for (index, (key, value)) in organizations.chain(common_names).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{key} {value:?}")?;
        }
        Ok(())
    }
}

impl AlternativeNames {
    pub(crate) fn from_general_names(names: &[GeneralName]) -> Self {
        let mut read = Self::default();
        for name in names {
            match name {
                GeneralName::DnsName(name) => read.dns.push(name.as_str().to_owned()),
                GeneralName::IpAddress(octets) => match address(octets.as_bytes()) {
                    Some(address) => read.addresses.push(address),
                    None => read.others += 1,
                },
                _ => read.others += 1,
            }
        }
        read
    }
}

/// The address that these octets are: four of IPv4 or sixteen of IPv6 (RFC 5280, section 4.2.1.6).
pub(crate) fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
}

/// The text of a PrintableString or a UTF8String, the two that are in use.
pub(crate) fn text(value: &Any) -> Option<String> {
    let printable = PrintableStringRef::try_from(value).map(|text| text.as_str().to_owned());
    printable
        .or_else(|_| Utf8StringRef::try_from(value).map(|text| text.as_str().to_owned()))
        .ok()
}
