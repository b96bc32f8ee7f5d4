//! The store against a map whose versions are never used twice.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const IDS: [&str; 2] = ["aaaaaa", "bbbbbb"];

/// One step of a caller: on which record, with which of the versions that it ever saw.
#[derive(Debug, Clone)]
enum Step {
    Create(usize, u8),
    Update(usize, usize, u8),
    Delete(usize, usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    let record = || 0..IDS.len();
    prop_oneof![
        (record(), any::<u8>()).prop_map(|(record, content)| Step::Create(record, content)),
        (record(), 0..4_usize, any::<u8>())
            .prop_map(|(record, age, content)| Step::Update(record, age, content)),
        (record(), 0..4_usize).prop_map(|(record, age)| Step::Delete(record, age)),
    ]
}

proptest! {
    #[test]
    fn the_store_does_what_a_map_would(steps in prop::collection::vec(any_step(), 1..40)) {
        let _host = host();
        let mut model: BTreeMap<&str, (String, u8)> = BTreeMap::new();
        let mut seen = vec![vec!["0".to_owned()]; IDS.len()];
        for step in steps {
            let (Step::Create(record, _) | Step::Update(record, ..) | Step::Delete(record, _)) = step;
            let id = IDS[record];
            let current = model.get(id).map(|(version, _)| version.clone());
            let version_of_age = |age: usize| {
                let versions = &seen[record];
                versions[versions.len().saturating_sub(1 + age)].clone()
            };
            let (holds, result) = match step {
                Step::Create(_, content) => {
                    let result = TokensFile.put(id, &[content], &Precondition::Absent);
                    (current.is_none(), result.map(|version| Some((version, content))))
                }
                Step::Update(_, age, content) => {
                    let version = version_of_age(age);
                    let holds = current.as_ref() == Some(&version);
                    let result = TokensFile.put(id, &[content], &Precondition::Version(version));
                    (holds, result.map(|version| Some((version, content))))
                }
                Step::Delete(_, age) => {
                    let version = version_of_age(age);
                    let holds = current.as_ref() == Some(&version);
                    (holds, TokensFile.delete(id, &version).map(|()| None))
                }
            };
            match result {
                Ok(after) => {
                    prop_assert!(holds);
                    model.remove(id);
                    if let Some((version, content)) = after {
                        prop_assert!(!seen[record].contains(&version), "a version came back");
                        seen[record].push(version.clone());
                        model.insert(id, (version, content));
                    }
                }
                Err(error) => {
                    prop_assert_eq!(error, StoreError::Conflict);
                    prop_assert!(!holds);
                }
            }
            let stored: Vec<_> = TokensFile
                .list()
                .unwrap()
                .into_iter()
                .map(|stored| (stored.id, stored.version, stored.sealed))
                .collect();
            let expected: Vec<_> = model
                .iter()
                .map(|(id, (version, content))| ((*id).to_owned(), version.clone(), vec![*content]))
                .collect();
            prop_assert_eq!(stored, expected);
        }
    }
}
