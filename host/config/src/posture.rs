//! The catalogue of trade-offs: what an operator can opt into, what it costs, and what closes it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{nearest, quoted};

/// How much a trade-off costs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Low,
    /// Weakens a defence that others still stand behind.
    Medium,
    /// Takes away a defence that nothing else stands behind.
    High,
}

/// A trade-off that is in force.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct PostureEntry {
    /// Which one.
    pub id: PostureId,
    /// How much it costs.
    pub severity: Severity,
    /// What it means, in one sentence.
    pub sentence: String,
    /// What it is about here: a token's ID, a plugin's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The command or the setting that closes it.
    pub close: String,
}

/// A text is no ID of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no trade-off {id}{}", suggestion.map(|id| format!("; did you mean {id}?")).unwrap_or_default())]
pub struct UnknownPosture {
    /// The text, quoted and cut.
    pub id: String,
    /// The nearest ID.
    pub suggestion: Option<PostureId>,
}

/// Makes the enum and the catalogue from one list, so that no trade-off can be in one of them only.
macro_rules! catalogue {
    ($($(#[doc = $doc:literal])+ $variant:ident = $id:literal, $severity:ident, $sentence:literal, close: $close:literal;)+) => {
        /// The ID of a trade-off, written in kebab-case.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum PostureId {
            $($(#[doc = $doc])+ #[serde(rename = $id)] $variant,)+
        }

        impl PostureId {
            /// Every trade-off, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The ID as text.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $id,)+ }
            }

            /// How much it costs.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }

            /// What it means, in one sentence.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }

            /// The command or the setting that closes it.
            pub fn close(self) -> &'static str {
                match self { $(Self::$variant => $close,)+ }
            }
        }
    };
}

catalogue! {
    /// A node believes the CA on the word of whoever knows the token.
    TokenWithoutPin = "token-without-pin", High,
        "The cluster's CA was believed on the token alone: whoever knows the token could have put a CA of their own in its place.",
        close: "join with --discovery-token-ca-cert-hash, which `slipway certs ca-hash` prints";
    /// A node believes a document on the word of a web server.
    HttpsDiscoveryWithoutPin = "https-discovery-without-pin", Medium,
        "The cluster's CA was believed on the word of a web server: any public CA that this machine trusts could vouch for another.",
        close: "join with --discovery-token-ca-cert-hash or --ca-file";
    /// Nobody looks at new nodes.
    AutomaticApproval = "automatic-approval", High,
        "Every machine that has a valid token becomes a node without anybody looking at it.",
        close: "put `approve-manual` in the place of `approve-node-client` among the `csrApprovers` of slipway.yaml, which is in force a moment later; make the next cluster without --auto-approve";
    /// A token lives for ever.
    TokenNeverExpires = "token-never-expires", Medium,
        "A bootstrap token that never expires can be used by whoever finds it, at any time.",
        close: "`slipway token delete ID`, then `slipway token create --ttl 24h`";
    /// The CA's key lies beside the API.
    CaKeyOnThisMachine = "ca-key-on-this-machine", Medium,
        "The private key of the cluster's CA is on this machine: who controls the machine can make any identity of the cluster.",
        close: "keep the machine for this purpose alone, and let nobody else log in";
    /// A plugin talks to others.
    PluginWithNetwork = "plugin-with-network", Medium,
        "A plugin may talk to other machines, and so may tell them what it sees of a request.",
        close: "take `http`, `dns` and `unverifiedHttps` out of the plugin's `grants`";
    /// A plugin reads files.
    PluginWithFiles = "plugin-with-files", Low,
        "A plugin may open files of this machine.",
        close: "take `filesystem` out of the plugin's `grants`";
    /// A machine can take the place of a node.
    RejoinAllowed = "rejoin-allowed", Medium,
        "A machine with a new key may take the place of a node that exists, if the approvers let it.",
        close: "take the name out of `rejoinAllowed` in the plugin configuration once the machine has joined";
    /// A secret was on the command line.
    SecretInArguments = "secret-in-arguments", Medium,
        "A secret was given on the command line, where every user of the machine can read it, and where the shell's history keeps it.",
        close: "give it in a file (--token-file), in the environment or at the prompt, and make a new token";
    /// A policy can be gone around.
    ForeignApprover = "foreign-approver", High,
        "Somebody else approves what bootstrap tokens ask for, so that the policy of the plugins decides nothing.",
        close: "`slipway init --kubeconfig FILE --take-over-approval`, which shows what it removes";
    /// The guardrails can be gone around.
    ForeignSigner = "foreign-signer", High,
        "Somebody else signs what is approved beside Slipway's own signer, and without its guardrails.",
        close: "switch off the signing controller of kube-controller-manager (certificatesigningrequest-signing-controller), or run `slipway controller` without --sign";
    /// A secret can be guessed.
    WeakTokenSecret = "weak-token-secret", High,
        "A token's secret was chosen by a person: its signature in cluster-info is public, so that it can be guessed offline.",
        close: "`slipway token delete ID`, then `slipway token create`, which makes the secret itself";
    /// Trust without a proof of the host.
    UnverifiedTrustSource = "unverified-trust-source", High,
        "The cluster's CA was believed on a plugin's word, without a proof of Slipway's own.",
        close: "join with --discovery-token-ca-cert-hash or --ca-file, without --discovery-unsafe-trust-source";
    /// Tokens may read every request.
    KubeletCompatibleBootstrap = "kubelet-compatible-bootstrap", Medium,
        "A bootstrap token may read every certificate signing request of the cluster, as kubeadm and kubelet need it.",
        close: "let nodes join with `slipway join`, which needs none of this, and take it away: `kubectl delete clusterrolebinding kubeadm:kubelet-bootstrap`";
    /// Nodes get the CA another way.
    CaOmittedFromClusterInfo = "ca-omitted-from-cluster-info", Low,
        "The CA was left out of cluster-info: a node that is not given the CA another way cannot join.",
        close: "give each node the CA with `slipway join --ca-file`, or leave out --omit-ca-from-cluster-info";
}

impl PostureId {
    /// The trade-off as in force.
    pub fn entry(self) -> PostureEntry {
        PostureEntry {
            id: self,
            severity: self.severity(),
            sentence: self.sentence().to_owned(),
            detail: None,
            close: self.close().to_owned(),
        }
    }

    /// The trade-off as in force, and what it is about here: a token's ID, a plugin's name.
    pub fn about(self, detail: impl Into<String>) -> PostureEntry {
        PostureEntry {
            detail: Some(detail.into()),
            ..self.entry()
        }
    }
}

impl FromStr for PostureId {
    type Err = UnknownPosture;

    fn from_str(text: &str) -> Result<Self, UnknownPosture> {
        let find = |text: &str| Self::ALL.iter().copied().find(|id| id.as_str() == text);
        find(text).ok_or_else(|| UnknownPosture {
            id: quoted(text),
            suggestion: nearest(text, Self::ALL.iter().map(|id| id.as_str())).and_then(find),
        })
    }
}

impl fmt::Display for PostureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_the_same_everywhere() {
        for id in PostureId::ALL {
            assert_eq!(id.to_string().parse(), Ok(*id));
            assert_eq!(serde_json::to_value(id).unwrap(), id.as_str());
            assert!(
                id.as_str()
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{id}"
            );
        }
    }

    #[test]
    fn every_trade_off_is_a_sentence_and_has_a_way_out() {
        for id in PostureId::ALL {
            assert!(
                id.sentence().ends_with('.') && id.sentence().starts_with(char::is_uppercase),
                "{id}"
            );
            assert!(!id.close().is_empty() && !id.close().ends_with('.'), "{id}");
        }
    }

    #[test]
    fn an_entry_has_a_stable_json_form() {
        let json = serde_json::to_string(&PostureId::TokenNeverExpires.about("abcdef")).unwrap();
        insta::assert_snapshot!(json, @r#"{"id":"token-never-expires","severity":"medium","sentence":"A bootstrap token that never expires can be used by whoever finds it, at any time.","detail":"abcdef","close":"`slipway token delete ID`, then `slipway token create --ttl 24h`"}"#);
        assert!(Severity::High > Severity::Medium && Severity::Medium > Severity::Low);
    }

    #[test]
    fn an_unknown_id_is_refused_with_the_nearest_one() {
        insta::assert_snapshot!("token-never-expire".parse::<PostureId>().unwrap_err(), @r#"there is no trade-off "token-never-expire"; did you mean token-never-expires?"#);
        insta::assert_snapshot!("x".parse::<PostureId>().unwrap_err(), @r#"there is no trade-off "x""#);
    }
}
