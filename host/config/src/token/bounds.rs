//! What a token may be used for beyond what Kubernetes knows.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::name::NodeName;

/// The bounds of a token. Kubernetes does not know them: Slipway keeps them in its own record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenBounds {
    /// The only node that may use the token, if bound to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    /// How many nodes may use the token in all, if limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// The networks from which the token may be used; any, where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cidrs: Vec<IpNet>,
}

impl TokenBounds {
    /// Whether there are none.
    pub fn is_unbounded(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_have_a_stable_json_form() {
        let bounds = TokenBounds {
            node: Some("w1".parse().unwrap()),
            uses: Some(1),
            cidrs: vec!["10.0.0.0/8".parse().unwrap()],
        };
        let json = serde_json::to_string(&bounds).unwrap();
        insta::assert_snapshot!(json, @r#"{"node":"w1","uses":1,"cidrs":["10.0.0.0/8"]}"#);
        assert_eq!(serde_json::from_str::<TokenBounds>(&json).unwrap(), bounds);
        assert_eq!(
            serde_json::from_str::<TokenBounds>("{}").unwrap(),
            TokenBounds::default()
        );
        assert!(TokenBounds::default().is_unbounded() && !bounds.is_unbounded());
    }
}
