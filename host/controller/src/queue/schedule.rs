//! Whose turn it is.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::Next;

/// The pause after a first failure (Kubernetes, `pkg/controller/certificates/certificate_controller.go`).
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The order in which names are worked on: requesters take turns, each one's names come in the order in which they
/// were put in.
#[derive(Debug)]
pub(super) struct Schedule {
    entries: HashMap<String, Entry>,
    /// Requesters with names that are ready, in the order of their turns.
    turns: VecDeque<String>,
    ready: HashMap<String, VecDeque<String>>,
    waiting: BTreeSet<(Instant, String)>,
    running: HashMap<String, usize>,
    most_running: usize,
}

#[derive(Debug)]
struct Entry {
    requester: String,
    state: State,
    failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Waiting(Instant),
    Running {
        again: bool,
    },
    /// Being worked on, though what it stood for is gone.
    Gone,
}

impl Schedule {
    /// One requester has at most so many names worked on at a time.
    pub(super) fn new(most_running: usize) -> Self {
        Self {
            entries: HashMap::new(),
            turns: VecDeque::new(),
            ready: HashMap::new(),
            waiting: BTreeSet::new(),
            running: HashMap::new(),
            most_running: most_running.max(1),
        }
    }

    pub(super) fn add(&mut self, name: &str, requester: &str) {
        let entry = self
            .entries
            .entry(name.to_owned())
            .or_insert_with(|| Entry {
                requester: requester.to_owned(),
                state: State::Waiting(Instant::now()),
                failures: 0,
            });
        match entry.state {
            State::Ready => {}
            State::Running { .. } | State::Gone => entry.state = State::Running { again: true },
            State::Waiting(due) => {
                entry.state = State::Ready;
                self.waiting.remove(&(due, name.to_owned()));
                self.enqueue(name.to_owned());
            }
        }
    }

    pub(super) fn forget(&mut self, name: &str) {
        match self.entries.get_mut(name) {
            None => {}
            Some(entry) if matches!(entry.state, State::Running { .. } | State::Gone) => {
                entry.state = State::Gone
            }
            // What stands in the queues under its name is passed over.
            Some(_) => {
                self.entries.remove(name);
            }
        }
    }

    /// The next name to work on, if one is ready.
    pub(super) fn take(&mut self, now: Instant) -> Option<String> {
        self.wake_up(now);
        for _ in 0..self.turns.len() {
            let requester = self.turns.pop_front()?;
            if self.is_busy(&requester) {
                self.turns.push_back(requester);
                continue;
            }
            let name = self.next_of(&requester);
            if self
                .ready
                .get(&requester)
                .is_some_and(|names| !names.is_empty())
            {
                self.turns.push_back(requester.clone());
            } else {
                self.ready.remove(&requester);
            }
            if let Some(name) = name {
                let running = self.running.entry(requester).or_default();
                *running = running.saturating_add(1);
                return Some(name);
            }
        }
        None
    }

    pub(super) fn finish(&mut self, name: &str, next: Next, now: Instant) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        if let Some(running) = self.running.get_mut(&entry.requester) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                self.running.remove(&entry.requester);
            }
        }
        entry.failures = match next {
            Next::Retry => entry.failures.saturating_add(1),
            Next::Done | Next::After(_) => 0,
        };
        let pause = match (entry.state, next) {
            (State::Gone, _) => None,
            (State::Running { again: true }, _) => Some(Duration::ZERO),
            (_, Next::Done) => None,
            (_, Next::After(pause)) => Some(pause),
            (_, Next::Retry) => Some(pause_after(entry.failures)),
        };
        match pause {
            None => {
                self.entries.remove(name);
            }
            Some(Duration::ZERO) => {
                entry.state = State::Ready;
                self.enqueue(name.to_owned());
            }
            Some(pause) => {
                let due = now.checked_add(pause).unwrap_or(now);
                entry.state = State::Waiting(due);
                self.waiting.insert((due, name.to_owned()));
            }
        }
    }

    /// When the next name is due that waits for its time.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.first().map(|(due, _)| *due)
    }

    /// Whether a name is ready whose requester is not busy.
    pub(super) fn has_ready(&self) -> bool {
        self.turns.iter().any(|requester| !self.is_busy(requester))
    }

    fn is_busy(&self, requester: &str) -> bool {
        self.running
            .get(requester)
            .is_some_and(|running| *running >= self.most_running)
    }

    fn next_of(&mut self, requester: &str) -> Option<String> {
        let names = self.ready.get_mut(requester)?;
        while let Some(name) = names.pop_front() {
            if let Some(entry) = self
                .entries
                .get_mut(&name)
                .filter(|entry| entry.state == State::Ready)
            {
                entry.state = State::Running { again: false };
                return Some(name);
            }
        }
        None
    }

    fn wake_up(&mut self, now: Instant) {
        while self.next_due().is_some_and(|due| due <= now) {
            let Some((due, name)) = self.waiting.pop_first() else {
                return;
            };
            if let Some(entry) = self
                .entries
                .get_mut(&name)
                .filter(|entry| entry.state == State::Waiting(due))
            {
                entry.state = State::Ready;
                self.enqueue(name);
            }
        }
    }

    fn enqueue(&mut self, name: String) {
        let Some(entry) = self.entries.get(&name) else {
            return;
        };
        let names = self.ready.entry(entry.requester.clone()).or_default();
        if names.is_empty() && !self.turns.contains(&entry.requester) {
            self.turns.push_back(entry.requester.clone());
        }
        names.push_back(name);
    }
}

fn pause_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(10);
    FIRST_PAUSE
        .saturating_mul(1 << doublings)
        .min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn requesters_take_turns() {
        let mut schedule = Schedule::new(100);
        for number in 0..1000 {
            schedule.add(&format!("flood-{number}"), "flooder");
        }
        schedule.add("one", "other");
        let now = Instant::now();
        let first: Vec<_> = (0..3).filter_map(|_| schedule.take(now)).collect();
        assert_eq!(first, ["flood-0", "one", "flood-1"]);
    }

    #[test]
    fn one_requester_does_not_get_all_workers() {
        let mut schedule = Schedule::new(2);
        for name in ["a", "b", "c"] {
            schedule.add(name, "flooder");
        }
        let now = Instant::now();
        assert_eq!(schedule.take(now).as_deref(), Some("a"));
        assert_eq!(schedule.take(now).as_deref(), Some("b"));
        assert_eq!(schedule.take(now), None);
        assert!(!schedule.has_ready());
        schedule.add("d", "other");
        assert_eq!(schedule.take(now).as_deref(), Some("d"));
        schedule.finish("a", Next::Done, now);
        assert_eq!(schedule.take(now).as_deref(), Some("c"));
    }

    #[test]
    fn a_name_is_worked_on_once_at_a_time_and_again_when_it_changed_meanwhile() {
        let mut schedule = Schedule::new(4);
        let now = Instant::now();
        schedule.add("a", "r");
        schedule.add("a", "r");
        assert_eq!(schedule.take(now).as_deref(), Some("a"));
        assert_eq!(schedule.take(now), None);
        schedule.add("a", "r");
        assert_eq!(schedule.take(now), None);
        schedule.finish("a", Next::Done, now);
        assert_eq!(schedule.take(now).as_deref(), Some("a"));
        schedule.finish("a", Next::Done, now);
        assert_eq!(schedule.take(now), None);
        assert!(
            schedule.entries.is_empty() && schedule.running.is_empty() && schedule.ready.is_empty()
        );
    }

    #[test]
    fn failures_wait_longer_each_time_and_success_forgets_them() {
        let mut schedule = Schedule::new(4);
        let mut now = Instant::now();
        schedule.add("a", "r");
        for pause in [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60.0, 60.0] {
            let pause = Duration::from_secs_f64(pause);
            assert_eq!(schedule.take(now).as_deref(), Some("a"));
            schedule.finish("a", Next::Retry, now);
            assert_eq!(schedule.next_due(), Some(now + pause));
            now += pause;
        }
        assert_eq!(schedule.take(now).as_deref(), Some("a"));
        schedule.finish("a", Next::After(seconds(300)), now);
        assert_eq!(schedule.take(now + seconds(299)), None);
        assert_eq!(schedule.take(now + seconds(300)).as_deref(), Some("a"));
        schedule.finish("a", Next::Retry, now);
        assert_eq!(schedule.next_due(), Some(now + FIRST_PAUSE));
    }

    #[test]
    fn a_change_ends_the_waiting() {
        let mut schedule = Schedule::new(4);
        let now = Instant::now();
        schedule.add("a", "r");
        assert_eq!(schedule.take(now).as_deref(), Some("a"));
        schedule.finish("a", Next::After(seconds(300)), now);
        schedule.add("a", "r");
        assert_eq!(schedule.take(now).as_deref(), Some("a"));
        assert_eq!(schedule.next_due(), None);
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let mut schedule = Schedule::new(4);
        let now = Instant::now();
        for name in ["ready", "running", "waiting"] {
            schedule.add(name, "r");
        }
        assert_eq!(schedule.take(now).as_deref(), Some("ready"));
        assert_eq!(schedule.take(now).as_deref(), Some("running"));
        schedule.finish("ready", Next::After(Duration::ZERO), now);
        for name in ["ready", "running", "waiting"] {
            schedule.forget(name);
        }
        schedule.finish("running", Next::Retry, now);
        assert_eq!(schedule.take(now + seconds(100)), None);
        assert!(schedule.entries.is_empty());
    }
}
