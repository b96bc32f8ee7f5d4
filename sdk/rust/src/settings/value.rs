//! Reading a JSON value with serde, in such a way that an error knows its place: serde_json's own reading of a value
//! forgets it.

use serde::Deserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use super::SettingError;

pub(super) fn deserialize<T: DeserializeOwned>(value: Value) -> Result<T, SettingError> {
    T::deserialize(Placed {
        value,
        path: String::new(),
    })
}

/// A value and where it stands.
struct Placed {
    value: Value,
    path: String,
}

impl<'de> Deserializer<'de> for Placed {
    type Error = SettingError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingError> {
        let path = self.path;
        let result = match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(value) => match (value.as_u64(), value.as_i64(), value.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (_, _, Some(value)) => visitor.visit_f64(value),
                _ => visitor.visit_string(value.to_string()),
            },
            Value::String(value) => visitor.visit_string(value),
            Value::Array(values) => visitor.visit_seq(PlacedItems {
                values: values.into_iter().enumerate(),
                path: path.clone(),
            }),
            Value::Object(entries) => visitor.visit_map(PlacedEntries::new(entries, path.clone())),
        };
        result.map_err(|error| error.at(&path))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingError> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, SettingError> {
        let path = self.path.clone();
        visitor
            .visit_newtype_struct(self)
            .map_err(|error| error.at(&path))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SettingError> {
        let path = self.path.clone();
        let variant = match self.value {
            Value::String(variant) => PlacedVariant {
                variant,
                content: Value::Null,
                path: path.clone(),
            },
            Value::Object(entries) if entries.len() == 1 => {
                let (variant, content) = entries.into_iter().next().unwrap_or_default();
                PlacedVariant {
                    path: child(&path, &variant),
                    variant,
                    content,
                }
            }
            _ => {
                return Err(SettingError::new(
                    path,
                    "expected the name of a choice, or one name with its settings",
                ));
            }
        };
        visitor.visit_enum(variant).map_err(|error| error.at(&path))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct PlacedItems {
    values: std::iter::Enumerate<std::vec::IntoIter<Value>>,
    path: String,
}

impl<'de> SeqAccess<'de> for PlacedItems {
    type Error = SettingError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, SettingError> {
        let Some((index, value)) = self.values.next() else {
            return Ok(None);
        };
        let path = format!("{}[{index}]", self.path);
        seed.deserialize(Placed {
            value,
            path: path.clone(),
        })
        .map(Some)
        .map_err(|error| error.at(&path))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.len())
    }
}

struct PlacedEntries {
    entries: serde_json::map::IntoIter,
    pending: Option<Placed>,
    path: String,
}

impl PlacedEntries {
    fn new(entries: Map<String, Value>, path: String) -> Self {
        Self {
            entries: entries.into_iter(),
            pending: None,
            path,
        }
    }
}

impl<'de> MapAccess<'de> for PlacedEntries {
    type Error = SettingError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, SettingError> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        let path = child(&self.path, &key);
        self.pending = Some(Placed {
            value,
            path: path.clone(),
        });
        seed.deserialize(IntoDeserializer::<SettingError>::into_deserializer(key))
            .map(Some)
            .map_err(|error| error.at(&path))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, SettingError> {
        let placed = self
            .pending
            .take()
            .ok_or_else(|| SettingError::new(&*self.path, "a value was read before its key"))?;
        let path = placed.path.clone();
        seed.deserialize(placed).map_err(|error| error.at(&path))
    }
}

struct PlacedVariant {
    variant: String,
    content: Value,
    path: String,
}

impl<'de> EnumAccess<'de> for PlacedVariant {
    type Error = SettingError;
    type Variant = Placed;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Placed), SettingError> {
        let variant = seed
            .deserialize(IntoDeserializer::<SettingError>::into_deserializer(
                self.variant,
            ))
            .map_err(|error| error.at(&self.path))?;
        let content = Placed {
            value: self.content,
            path: self.path,
        };
        Ok((variant, content))
    }
}

impl<'de> VariantAccess<'de> for Placed {
    type Error = SettingError;

    fn unit_variant(self) -> Result<(), SettingError> {
        match self.value {
            Value::Null => Ok(()),
            _ => Err(SettingError::new(self.path, "this choice has no settings")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, SettingError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, SettingError> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SettingError> {
        self.deserialize_any(visitor)
    }
}

fn child(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
