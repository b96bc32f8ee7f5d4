//! What goes into a certificate, by its kind.

use std::time::Duration;

use jiff::Timestamp;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyUsagePurpose,
    SanType, SerialNumber,
};
use ring::rand::{SecureRandom, SystemRandom};
use slipway_config::name::NODES_GROUP;

use super::{CaError, ClientCertificate, ServerCertificate};
use crate::decision::signing::Validity;
use crate::guardrail::GuardedRequest;
use crate::signer::Usage;

pub(super) fn server(server: &ServerCertificate<'_>) -> Result<CertificateParams, CaError> {
    let mut params = leaf(
        None,
        server.common_name,
        &[
            Usage::DigitalSignature,
            Usage::KeyEncipherment,
            Usage::ServerAuth,
        ],
    );
    for name in server.dns_names {
        params
            .subject_alt_names
            .push(SanType::DnsName(name.as_str().try_into()?));
    }
    params
        .subject_alt_names
        .extend(server.addresses.iter().copied().map(SanType::IpAddress));
    Ok(params)
}

pub(super) fn client(client: &ClientCertificate<'_>) -> CertificateParams {
    leaf(
        client.group,
        client.user,
        &[
            Usage::DigitalSignature,
            Usage::KeyEncipherment,
            Usage::ClientAuth,
        ],
    )
}

pub(super) fn node(request: &GuardedRequest) -> Result<CertificateParams, CaError> {
    let mut params = leaf(
        Some(NODES_GROUP),
        &request.node().user_name(),
        request.usages(),
    );
    for name in request.dns_names() {
        params
            .subject_alt_names
            .push(SanType::DnsName(name.as_str().try_into()?));
    }
    params
        .subject_alt_names
        .extend(request.addresses().iter().copied().map(SanType::IpAddress));
    Ok(params)
}

/// rcgen speaks the `time` crate's types; adding to its own epoch needs nothing else of that crate.
pub(super) fn set_validity(
    params: &mut CertificateParams,
    validity: Validity,
) -> Result<(), CaError> {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_epoch(validity.not_before)?;
    params.not_after = epoch + since_epoch(validity.not_after)?;
    Ok(())
}

/// 127 random bits: positive, never zero, well inside the 20 bytes of RFC 5280. rcgen's default is derived from the key,
/// so that two certificates of one key would have the same number.
pub(super) fn set_serial_number(params: &mut CertificateParams) -> Result<(), CaError> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| CaError::Randomness)?;
    let number = u128::from_be_bytes(bytes) >> 1 | 1 << 126;
    params.serial_number = Some(SerialNumber::from_slice(&number.to_be_bytes()));
    Ok(())
}

fn leaf(organization: Option<&str>, common_name: &str, usages: &[Usage]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    if let Some(organization) = organization {
        params
            .distinguished_name
            .push(DnType::OrganizationName, organization);
    }
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    for usage in usages {
        match usage {
            Usage::DigitalSignature => params.key_usages.push(KeyUsagePurpose::DigitalSignature),
            Usage::KeyEncipherment => params.key_usages.push(KeyUsagePurpose::KeyEncipherment),
            Usage::ClientAuth => params
                .extended_key_usages
                .push(ExtendedKeyUsagePurpose::ClientAuth),
            Usage::ServerAuth => params
                .extended_key_usages
                .push(ExtendedKeyUsagePurpose::ServerAuth),
        }
    }
    params
}

fn since_epoch(time: Timestamp) -> Result<Duration, CaError> {
    // Year 9999 is the last that a certificate can hold, and a timestamp as well.
    u64::try_from(time.as_second())
        .map(Duration::from_secs)
        .map_err(|_| CaError::BeforeEpoch(time))
}
