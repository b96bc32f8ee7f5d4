//! Reads a document's body past `apiVersion` and `kind`, so that the types of documents need not hold them.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// Fields that every document has.
pub(super) const TYPE_META: [&str; 2] = ["apiVersion", "kind"];

/// A document without `apiVersion` and `kind`.
pub(super) struct Body<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Body<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(PastTypeMeta(deserializer)).map(Self)
    }
}

/// Around a deserializer, a visitor and a map: drops the fields of [`TYPE_META`].
struct PastTypeMeta<T>(T);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for PastTypeMeta<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(PastTypeMeta(visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_struct(name, fields, PastTypeMeta(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for PastTypeMeta<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(PastTypeMeta(map))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for PastTypeMeta<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let mut seed = seed;
        loop {
            match self.0.next_key_seed(Key(seed))? {
                None => return Ok(None),
                Some(Read::Field(key)) => return Ok(Some(key)),
                Some(Read::TypeMeta(unused)) => {
                    self.0.next_value::<serde::de::IgnoredAny>()?;
                    seed = unused;
                }
            }
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(seed)
    }
}

/// Reads a key with a seed, unless it is one of [`TYPE_META`].
struct Key<K>(K);

/// What became of a key.
enum Read<V, K> {
    /// It is the body's.
    Field(V),
    /// It was dropped, and the seed is still unused.
    TypeMeta(K),
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<K> {
    type Value = Read<K::Value, K>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> Visitor<'de> for Key<K> {
    type Value = Read<K::Value, K>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        match TYPE_META.contains(&key) {
            true => Ok(Read::TypeMeta(self.0)),
            false => self.0.deserialize(key.into_deserializer()).map(Read::Field),
        }
    }
}
