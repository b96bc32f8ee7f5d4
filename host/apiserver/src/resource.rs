//! What is served: the table of resources, their objects, and the rules that each kind brings along.

mod definition;
pub(crate) mod metadata;
mod name;
mod names;
mod object;
mod registry;
mod rules;
mod served;

pub(crate) use definition::{Definition, Subresource};
pub(crate) use name::{GroupKind, GroupResource};
pub(crate) use names::{
    Form, NameRule, is_label_value, is_qualified_name, label_value_faults, qualified_name_faults,
    too_long,
};
pub(crate) use object::{Object, ObjectError};
pub(crate) use registry::{Registry, Reviews, Served};
pub(crate) use rules::{Change, Context, Review, Rules, keep_other_half};
pub(crate) use served::ALL;
