//! How a message is declared.

/// Declares that a type of the API is a message, field by field: one that is forgotten on either side does not compile.
///
/// - `renamed`: fields that `prost` spells in another way.
/// - `pointers`: scalars where zero is a value and not an absence: pointers in Go, and what JSON never leaves out.
/// - `unknown`: optional fields that are younger than the message; they do not go over the wire.
macro_rules! message {
    (
        $api:path as $wire:path {
            $($field:ident),* $(,)?
            $(; renamed: $($renamed:ident = $spelling:ident),+)?
            $(; pointers: $($pointer:ident),+)?
            $(; unknown: $($unknown:ident),+)?
        }
    ) => {
        impl $crate::codec::protobuf::field::Message for $api {
            type Wire = $wire;

            fn to_wire(self) -> Self::Wire {
                $wire {
                    $($field: $crate::codec::protobuf::field::Field::to_field(self.$field),)*
                    $($($spelling: $crate::codec::protobuf::field::Field::to_field(self.$renamed),)+)?
                    $($($pointer: self.$pointer,)+)?
                }
            }

            fn from_wire(
                wire: Self::Wire,
            ) -> Result<Self, $crate::codec::protobuf::ProtobufError> {
                Ok(Self {
                    $($field: $crate::codec::protobuf::field::Field::from_field(wire.$field)?,)*
                    $($($renamed: $crate::codec::protobuf::field::Field::from_field(wire.$spelling)?,)+)?
                    $($($pointer: wire.$pointer,)+)?
                    $($($unknown: None,)+)?
                })
            }
        }
    };
}

/// Declares that values of an `extra` map are this message: a list of texts that has a type of its own in each API group.
macro_rules! extra_value {
    ($wire:path) => {
        impl $crate::codec::protobuf::field::Item<$wire> for Vec<String> {
            fn to_item(self) -> $wire {
                $wire { items: self }
            }

            fn from_item(wire: $wire) -> Result<Self, $crate::codec::protobuf::ProtobufError> {
                Ok(wire.items)
            }
        }
    };
}

pub(super) use {extra_value, message};
