//! What an operator hands to a machine that is to become a node.

use slipway_config::endpoint::HostPort;
use slipway_config::join_url::{JoinUrl, JoinUrlError};
use slipway_config::pin::CaPin;
use slipway_config::token::BootstrapToken;
use zeroize::Zeroizing;

use super::settings::PublishedCa;

/// Where the CA is on a node that is given it by other means.
const CA_FILE: &str = " --ca-file ca.crt";

/// An invitation to a cluster.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// The API servers, the preferred one first.
    pub servers: Vec<HostPort>,
    /// Pins of the cluster's CA.
    pub pins: Vec<CaPin>,
    /// The token.
    pub token: BootstrapToken,
    /// Whether cluster-info carries the CA.
    pub published_ca: PublishedCa,
}

impl Invitation {
    /// The URL: everything but the token's secret.
    pub fn url(&self) -> Result<JoinUrl, JoinUrlError> {
        JoinUrl::new(
            self.token.id.clone(),
            self.servers.clone(),
            self.pins.clone(),
        )
    }

    /// The command with the URL. `join` asks for the secret.
    pub fn command_with_url(&self) -> Result<String, JoinUrlError> {
        let ca_file = match self.published_ca {
            PublishedCa::Included => "",
            PublishedCa::Omitted => CA_FILE,
        };
        Ok(format!("slipway join '{}'{ca_file}", self.url()?))
    }

    /// The command, secret included, with flags as kubeadm has them.
    pub fn command(&self) -> Zeroizing<String> {
        let mut command = Zeroizing::new("slipway join".to_owned());
        for server in &self.servers {
            command.push_str(&format!(" {server}"));
        }
        // No more room is needed afterwards: a string that moves when it grows leaves a copy of the secret behind.
        command.reserve(128 + self.pins.len() * 128);
        command.push_str(" --token ");
        command.push_str(&self.token.expose());
        for pin in &self.pins {
            command.push_str(&format!(" --discovery-token-ca-cert-hash {pin}"));
        }
        if self.published_ca == PublishedCa::Omitted {
            command.push_str(CA_FILE);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation() -> Invitation {
        Invitation {
            servers: vec![
                "10.0.0.1:6443".parse().unwrap(),
                "[fd00::1]:6443".parse().unwrap(),
            ],
            pins: vec![CaPin::from([0xab; 32])],
            token: "abcdef.0123456789abcdef".parse().unwrap(),
            published_ca: PublishedCa::Included,
        }
    }

    #[test]
    fn the_command_holds_everything_and_the_url_no_secret() {
        let invitation = invitation();
        insta::assert_snapshot!(invitation.command().as_str(), @"slipway join 10.0.0.1:6443 [fd00::1]:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:abababababababababababababababababababababababababababababababab");
        insta::assert_snapshot!(invitation.url().unwrap().to_string(), @"slipway://abcdef@10.0.0.1:6443,[fd00::1]:6443?pin=sha256:abababababababababababababababababababababababababababababababab");
    }

    #[test]
    fn without_a_published_ca_the_command_says_where_one_goes() {
        let invitation = Invitation {
            published_ca: PublishedCa::Omitted,
            ..invitation()
        };
        assert!(invitation.command().ends_with(" --ca-file ca.crt"));
        let with_url = invitation.command_with_url().unwrap();
        assert!(with_url.ends_with("' --ca-file ca.crt"), "{with_url}");
        assert!(!format!("{invitation:?}").contains("0123456789abcdef"));
    }
}
