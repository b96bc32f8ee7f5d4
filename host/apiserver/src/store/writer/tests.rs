use super::*;
use crate::store::HistoryLimits;
use crate::store::tests::Disk;

fn writer(disk: &Disk) -> Writer {
    let loaded = disk.load();
    let state = State::new(loaded.revision, loaded.records, HistoryLimits::default());
    Writer {
        database: loaded.database,
        shared: Arc::new(Shared::new(state)),
        in_doubt: None,
        last: None,
    }
}

/// Makes what was found out as old as it may be.
fn age(writer: &mut Writer) {
    let (when, _) = writer.last.as_mut().unwrap();
    *when = when.checked_sub(FRESH).unwrap();
}

#[test]
fn what_was_found_out_answers_for_a_while_and_is_then_found_out_anew() {
    let disk = Disk::default();
    let mut writer = writer(&disk);
    let written = |disk: &Disk| disk.written();
    let before = written(&disk);
    writer.check().unwrap();
    let once = written(&disk);
    assert!(once > before, "it was tried");
    disk.fill(true);
    for _ in 0..100 {
        writer.check().unwrap();
    }
    assert_eq!(written(&disk), once, "nobody can make it write by asking");

    age(&mut writer);
    let error = writer.check().unwrap_err().to_string();
    assert!(
        error.starts_with("the store cannot be written: ") && error.contains("no storage space"),
        "{error}"
    );
    disk.fill(false);
    writer.check().unwrap_err();
    age(&mut writer);
    writer.check().unwrap();
    age(&mut writer);
    writer.check().unwrap();
}
