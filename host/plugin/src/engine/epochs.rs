//! The clock that interrupts guests. It stands still while no guest runs.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

/// How long an epoch is: a guest in a loop gives way to other tasks this often.
pub(crate) const EPOCH: Duration = Duration::from_millis(5);

/// The epochs of one engine, and how many calls want them to pass.
pub(crate) struct Epochs {
    engine: wasmtime::Engine,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: usize,
    has_thread: bool,
    /// The thread waits to be told that something runs.
    waits: bool,
}

impl Epochs {
    pub(crate) fn new(engine: wasmtime::Engine) -> Self {
        Self {
            engine,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Lets epochs pass until what it returns is dropped.
    pub(crate) fn run(this: &Arc<Self>) -> Running {
        let mut state = this.lock();
        state.running += 1;
        if !state.has_thread {
            let epochs = Arc::downgrade(this);
            // Without the thread a loop is not interrupted; the next call tries again.
            state.has_thread = thread::Builder::new()
                .name("slipway-epochs".to_owned())
                .spawn(move || pass(&epochs))
                .is_ok();
        }
        if std::mem::take(&mut state.waits) {
            this.changed.notify_one();
        }
        Running(Arc::clone(this))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the epochs passing.
pub(crate) struct Running(Arc<Epochs>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
    }
}

/// The thread: ends when the engine is gone, and when nothing has run for a while.
fn pass(epochs: &Weak<Epochs>) {
    const IDLE: Duration = Duration::from_secs(1);
    while let Some(epochs) = epochs.upgrade() {
        let mut state = epochs.lock();
        if state.running == 0 {
            state.waits = true;
            let (waited, timeout) = epochs
                .changed
                .wait_timeout(state, IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            state = waited;
            state.waits = false;
            if timeout.timed_out() && state.running == 0 {
                state.has_thread = false;
                return;
            }
        }
        drop(state);
        thread::sleep(EPOCH);
        epochs.engine.increment_epoch();
    }
}
