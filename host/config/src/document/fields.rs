//! The names of a struct's fields, as serde's derive knows them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;

/// The fields of `T` under the names that documents use; none where `T` is no struct.
pub(crate) fn fields_of<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    match T::deserialize(Probe) {
        Err(Asked(fields)) => fields,
        Ok(_) => &[],
    }
}

/// Answers nothing, and notes the fields that it is asked for.
struct Probe;

/// What the probe was asked for.
#[derive(Debug)]
struct Asked(&'static [&'static str]);

impl<'de> Deserializer<'de> for Probe {
    type Error = Asked;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Asked> {
        Err(Asked(fields))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl Error for Asked {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl std::error::Error for Asked {}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fields: {}", self.0.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubeadm::Discovery;
    use crate::plugin::Grants;

    #[test]
    fn fields_have_the_names_of_the_document() {
        assert_eq!(
            fields_of::<Discovery>(),
            ["bootstrapToken", "file", "tlsBootstrapToken"]
        );
        assert!(fields_of::<Grants>().contains(&"unverifiedHttps"));
        assert!(fields_of::<String>().is_empty());
    }
}
