//! What a token may be used for beyond what Kubernetes knows.

use std::collections::BTreeMap;

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

/// The annotation of a token's Secret that tells the bounds that the token is made with, as JSON. They hold from the first
/// moment; once the token has its ledger, those in there count, which nobody can take away.
pub const BOUNDS_ANNOTATION: &str = "slipway.dev/token-bounds";

/// An annotation tells no bounds of a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the annotation {BOUNDS_ANNOTATION} tells no bounds of a token: {reason}; expected JSON such as {{\"node\":\"w1\",\"uses\":1}}"
)]
pub struct BoundsError {
    /// What is wrong with it.
    pub reason: String,
}

impl TokenBounds {
    /// Whether there are none.
    pub fn is_unbounded(&self) -> bool {
        *self == Self::default()
    }

    /// The bounds that the annotations of a token's Secret tell; none where they tell nothing.
    ///
    /// # Errors
    /// They cannot be read: what bounds the token is not known, so that it must not be used.
    pub fn from_annotations(
        annotations: Option<&BTreeMap<String, String>>,
    ) -> Result<Self, BoundsError> {
        let told = annotations.and_then(|annotations| annotations.get(BOUNDS_ANNOTATION));
        told.map_or(Ok(Self::default()), |text| {
            serde_json::from_str(text).map_err(|error| BoundsError {
                reason: error.to_string(),
            })
        })
    }

    /// The annotations of a Secret that tell these bounds; none where there are none.
    pub fn to_annotations(&self) -> Option<BTreeMap<String, String>> {
        // A map with text as its keys always has a JSON form.
        let text = serde_json::to_string(self).ok()?;
        (!self.is_unbounded()).then(|| BTreeMap::from([(BOUNDS_ANNOTATION.to_owned(), text)]))
    }

    /// Bounds within which nothing can be done: for a token whose own cannot be read.
    pub fn void() -> Self {
        Self {
            uses: Some(0),
            ..Self::default()
        }
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

    #[test]
    fn a_void_token_has_no_use_at_all() {
        assert_eq!(TokenBounds::void().uses, Some(0));
        assert!(!TokenBounds::void().is_unbounded());
    }

    #[test]
    fn annotations_tell_bounds_or_are_refused() {
        let read = |text: &str| {
            let annotations = BTreeMap::from([(BOUNDS_ANNOTATION.to_owned(), text.to_owned())]);
            TokenBounds::from_annotations(Some(&annotations))
        };
        let bounds = TokenBounds {
            uses: Some(1),
            ..TokenBounds::default()
        };
        let annotations = bounds.to_annotations();
        assert_eq!(
            TokenBounds::from_annotations(annotations.as_ref()),
            Ok(bounds)
        );
        assert_eq!(TokenBounds::default().to_annotations(), None);
        assert_eq!(
            TokenBounds::from_annotations(None),
            Ok(TokenBounds::default())
        );
        insta::assert_snapshot!(read("{\"use\":1}").unwrap_err(), @r#"the annotation slipway.dev/token-bounds tells no bounds of a token: unknown field `use`, expected one of `node`, `uses`, `cidrs` at line 1 column 6; expected JSON such as {"node":"w1","uses":1}"#);
        insta::assert_snapshot!(read("once").unwrap_err(), @r#"the annotation slipway.dev/token-bounds tells no bounds of a token: expected value at line 1 column 1; expected JSON such as {"node":"w1","uses":1}"#);
    }
}
