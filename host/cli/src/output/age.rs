//! Times as kubectl shows them: how long, in the coarsest units that still tell something.

use jiff::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long it is from one time to a later one: `45s`, `12m`, `5h`, `3d`.
pub(crate) fn age(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / MINUTE),
        7200..172_800 => format!("{}h", seconds / HOUR),
        _ => format!("{}d", seconds / DAY),
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::age;

    #[test]
    fn tells_seconds_minutes_hours_and_days() {
        let now = Timestamp::UNIX_EPOCH;
        let shown = |seconds| age(now, now + SignedDuration::from_secs(seconds));
        assert_eq!(
            [
                shown(0),
                shown(119),
                shown(120),
                shown(7200),
                shown(86_400),
                shown(172_800)
            ],
            ["0s", "119s", "2m", "2h", "24h", "2d"]
        );
        assert_eq!(age(now + SignedDuration::from_secs(5), now), "0s");
    }
}
