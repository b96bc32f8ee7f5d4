use std::fs;

use super::super::testing::entry;
use super::{LARGEST_FILE, Writer};
use crate::decision_log::{LogError, read, verify};

#[test]
fn after_a_failure_the_log_goes_on_where_the_disk_says_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(folder.path()).unwrap();
    writer.write(vec![entry("a")]).unwrap();
    let path = writer.end.path.clone();
    // A file that cannot be written, as on a full disk.
    writer.file = fs::File::open(&path).unwrap();
    let failed = writer.write(vec![entry("lost")]).unwrap_err();
    assert!(
        matches!(
            failed,
            LogError::Io {
                action: "write",
                ..
            }
        ),
        "{failed}"
    );
    let mut torn = fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut torn, b"{\"sequence\":2").unwrap();
    writer.write(vec![entry("b")]).unwrap();
    let names: Vec<_> = read(folder.path())
        .unwrap()
        .into_iter()
        .map(|record| record.entry.subject.name)
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(verify(folder.path()).unwrap().records, 2);
}

#[test]
fn a_large_file_is_followed_by_another_in_the_same_chain() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(folder.path()).unwrap();
    writer.write(vec![entry("a")]).unwrap();
    writer.end.length = LARGEST_FILE;
    writer.write(vec![entry("b")]).unwrap();
    writer.write(vec![entry("c")]).unwrap();
    assert_eq!(verify(folder.path()).unwrap().records, 3);
    let second = folder.path().join("decisions-000002.jsonl");
    assert_eq!(fs::read_to_string(&second).unwrap().lines().count(), 2);
    let first = folder.path().join("decisions-000001.jsonl");
    let whole = fs::read(&first).unwrap();
    fs::write(&first, [&whole[..], b"{\"sequence\":2"].concat()).unwrap();
    assert!(
        matches!(
            verify(folder.path()),
            Err(LogError::Malformed { line: 2, .. })
        ),
        "only the end of the log can be torn"
    );
    fs::remove_file(first).unwrap();
    assert!(matches!(
        verify(folder.path()),
        Err(LogError::Broken { line: 1, .. })
    ));
}
