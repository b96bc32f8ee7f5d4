//! From a field as the API has it to the field as protobuf carries it, and back.
//!
//! Go writes a field that is no pointer even when it is zero, and leaves it out of JSON then. So a zero that arrives is an
//! absent field; pointers, where zero is a value, are moved as they are (see [`super::message`]).
//!
//! Source: `generated.proto` of each API group; `time_proto.go`, `micro_time_proto.go` and `fields_proto.go` in
//! `k8s.io/apimachinery/pkg/apis/meta/v1`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, MicroTime, Time};
use k8s_pb::apimachinery::pkg::api::resource as pb_resource;
use k8s_pb::apimachinery::pkg::apis::meta::v1 as pb;

use super::ProtobufError;

/// A type of the API that is a message on the wire.
pub(crate) trait Message: Sized {
    /// The message.
    type Wire: prost::Message + Default;

    /// As it goes over the wire.
    fn to_wire(self) -> Self::Wire;

    /// From the wire.
    ///
    /// # Errors
    /// When a value cannot be what its field says, such as a time beyond the calendar.
    fn from_wire(wire: Self::Wire) -> Result<Self, ProtobufError>;
}

/// A type of the API that is a field of type `W` on the wire.
pub(super) trait Field<W>: Sized {
    /// As it goes over the wire.
    fn to_field(self) -> W;

    /// From the wire.
    ///
    /// # Errors
    /// As [`Message::from_wire`].
    fn from_field(wire: W) -> Result<Self, ProtobufError>;
}

/// Values that Go writes even when they are zero.
macro_rules! scalar {
    ($($scalar:ty),+) => {$(
        impl Field<Option<$scalar>> for $scalar {
            fn to_field(self) -> Option<$scalar> {
                Some(self)
            }

            fn from_field(wire: Option<$scalar>) -> Result<Self, ProtobufError> {
                Ok(wire.unwrap_or_default())
            }
        }

        impl Field<Option<$scalar>> for Option<$scalar> {
            fn to_field(self) -> Option<$scalar> {
                self
            }

            fn from_field(wire: Option<$scalar>) -> Result<Self, ProtobufError> {
                Ok(wire.filter(|value| *value != <$scalar>::default()))
            }
        }
    )+};
}

scalar!(String, bool, i32, i64);

impl<T: Message> Field<Option<T::Wire>> for T {
    fn to_field(self) -> Option<T::Wire> {
        Some(self.to_wire())
    }

    fn from_field(wire: Option<T::Wire>) -> Result<Self, ProtobufError> {
        T::from_wire(wire.unwrap_or_default())
    }
}

impl<T: Message> Field<Option<T::Wire>> for Option<T> {
    fn to_field(self) -> Option<T::Wire> {
        self.map(T::to_wire)
    }

    fn from_field(wire: Option<T::Wire>) -> Result<Self, ProtobufError> {
        wire.map(T::from_wire).transpose()
    }
}

/// What stands in lists and maps, where nothing is optional.
pub(super) trait Item<W>: Sized {
    fn to_item(self) -> W;

    fn from_item(wire: W) -> Result<Self, ProtobufError>;
}

impl Item<Self> for String {
    fn to_item(self) -> Self {
        self
    }

    fn from_item(wire: Self) -> Result<Self, ProtobufError> {
        Ok(wire)
    }
}

impl Item<Vec<u8>> for ByteString {
    fn to_item(self) -> Vec<u8> {
        self.0
    }

    fn from_item(wire: Vec<u8>) -> Result<Self, ProtobufError> {
        Ok(Self(wire))
    }
}

impl<T: Message> Item<T::Wire> for T {
    fn to_item(self) -> T::Wire {
        self.to_wire()
    }

    fn from_item(wire: T::Wire) -> Result<Self, ProtobufError> {
        T::from_wire(wire)
    }
}

impl Item<pb_resource::Quantity> for Quantity {
    fn to_item(self) -> pb_resource::Quantity {
        pb_resource::Quantity {
            string: Some(self.0),
        }
    }

    fn from_item(wire: pb_resource::Quantity) -> Result<Self, ProtobufError> {
        Ok(Self(wire.string.unwrap_or_default()))
    }
}

impl<T: Item<W>, W> Field<Vec<W>> for Vec<T> {
    fn to_field(self) -> Vec<W> {
        self.into_iter().map(T::to_item).collect()
    }

    fn from_field(wire: Vec<W>) -> Result<Self, ProtobufError> {
        wire.into_iter().map(T::from_item).collect()
    }
}

impl<T: Item<W>, W> Field<Vec<W>> for Option<Vec<T>> {
    fn to_field(self) -> Vec<W> {
        self.unwrap_or_default().to_field()
    }

    fn from_field(wire: Vec<W>) -> Result<Self, ProtobufError> {
        let list = Vec::from_field(wire)?;
        Ok(Some(list).filter(|list| !list.is_empty()))
    }
}

impl<T: Item<W>, W> Field<BTreeMap<String, W>> for Option<BTreeMap<String, T>> {
    fn to_field(self) -> BTreeMap<String, W> {
        self.unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, value.to_item()))
            .collect()
    }

    fn from_field(wire: BTreeMap<String, W>) -> Result<Self, ProtobufError> {
        let map = wire
            .into_iter()
            .map(|(key, value)| Ok((key, T::from_item(value)?)))
            .collect::<Result<BTreeMap<_, _>, ProtobufError>>()?;
        Ok(Some(map).filter(|map| !map.is_empty()))
    }
}

impl Field<Option<Vec<u8>>> for ByteString {
    fn to_field(self) -> Option<Vec<u8>> {
        Some(self.0)
    }

    fn from_field(wire: Option<Vec<u8>>) -> Result<Self, ProtobufError> {
        Ok(Self(wire.unwrap_or_default()))
    }
}

impl Field<Option<Vec<u8>>> for Option<ByteString> {
    fn to_field(self) -> Option<Vec<u8>> {
        self.map(|bytes| bytes.0)
    }

    fn from_field(wire: Option<Vec<u8>>) -> Result<Self, ProtobufError> {
        Ok(wire.filter(|bytes| !bytes.is_empty()).map(ByteString))
    }
}

impl Field<Option<pb::Verbs>> for Vec<String> {
    fn to_field(self) -> Option<pb::Verbs> {
        Some(pb::Verbs { items: self })
    }

    fn from_field(wire: Option<pb::Verbs>) -> Result<Self, ProtobufError> {
        Ok(wire.unwrap_or_default().items)
    }
}

/// Times: an empty message is no time.
macro_rules! time {
    ($($time:ident: $nanos:expr),+) => {$(
        impl Field<Option<pb::$time>> for Option<$time> {
            fn to_field(self) -> Option<pb::$time> {
                self.map(|time| pb::$time {
                    seconds: Some(time.0.as_second()),
                    nanos: Some($nanos(time.0)),
                })
            }

            fn from_field(wire: Option<pb::$time>) -> Result<Self, ProtobufError> {
                let Some(wire) = wire else { return Ok(None) };
                let (None, None) = (wire.seconds, wire.nanos) else {
                    let (seconds, nanos) = (wire.seconds.unwrap_or(0), wire.nanos.unwrap_or(0));
                    return Timestamp::new(seconds, nanos)
                        .map(|time| Some($time(time)))
                        .map_err(|_| ProtobufError::Time { seconds, nanos });
                };
                Ok(None)
            }
        }
    )+};
}

time!(
    // Kubernetes writes whole seconds, so that both encodings say the same.
    Time: |_: Timestamp| 0,
    MicroTime: |time: Timestamp| time.subsec_nanosecond() / 1_000 * 1_000
);

impl Field<Option<pb::FieldsV1>> for Option<FieldsV1> {
    fn to_field(self) -> Option<pb::FieldsV1> {
        self.map(|fields| pb::FieldsV1 {
            raw: Some(fields.0.to_string().into_bytes()),
        })
    }

    fn from_field(wire: Option<pb::FieldsV1>) -> Result<Self, ProtobufError> {
        let raw = wire.and_then(|wire| wire.raw).unwrap_or_default();
        if raw.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(&raw)
            .map(|fields| Some(FieldsV1(fields)))
            .map_err(|_| ProtobufError::Fields)
    }
}
