//! Fields that others own.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::fields::Fields;
use super::managers::{Manager, Operation};

/// Fields that a configuration would change and that others own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Conflicts(Vec<Conflict>);

/// The fields of one manager.
#[derive(Clone, Debug, PartialEq)]
struct Conflict {
    manager: String,
    fields: Fields,
}

impl Conflicts {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(&mut self, manager: &Manager, time: Option<&Time>, fields: Fields) {
        self.0.push(Conflict {
            manager: described(manager, time),
            fields,
        });
    }

    /// Without what may be overwritten.
    pub(super) fn without(self, fields: &Fields) -> Self {
        Self(
            self.0
                .into_iter()
                .map(|conflict| Conflict {
                    fields: conflict.fields.difference(fields),
                    ..conflict
                })
                .filter(|conflict| !conflict.fields.is_empty())
                .collect(),
        )
    }

    /// Each field, and in which words it belongs to whom.
    pub(crate) fn causes(&self) -> Vec<(String, String)> {
        self.0
            .iter()
            .flat_map(|conflict| {
                let words = format!("conflict with {}", conflict.manager);
                conflict
                    .fields
                    .places()
                    .into_iter()
                    .map(move |place| (place, words.clone()))
            })
            .collect()
    }
}

impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let causes = self.causes();
        if let [(place, words)] = causes.as_slice() {
            return write!(f, "Apply failed with 1 conflict: {words}: {place}");
        }
        write!(f, "Apply failed with {} conflicts: ", causes.len())?;
        for (index, conflict) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "conflicts with {}:", conflict.manager)?;
            for place in conflict.fields.places() {
                write!(f, "\n- {place}")?;
            }
        }
        Ok(())
    }
}

fn described(manager: &Manager, time: Option<&Time>) -> String {
    let mut words = format!("{:?}", manager.name);
    if !manager.subresource.is_empty() {
        words.push_str(&format!(" with subresource {:?}", manager.subresource));
    }
    if manager.operation == Operation::Update {
        words.push_str(&format!(" using {}", manager.api_version));
        if let Some(Time(time)) = time {
            words.push_str(&format!(" at {}", time.strftime("%Y-%m-%dT%H:%M:%SZ")));
        }
    }
    words
}
