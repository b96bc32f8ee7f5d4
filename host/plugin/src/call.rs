//! One call of a plugin: a new instance, its own state, an end in time.

mod outcome;
mod state;

use std::time::Instant;

use futures::future::BoxFuture;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Store, UpdateDeadline};

use crate::authority::Authority;
use crate::engine::Engine;
use crate::limits::CallLimits;
use crate::{CallError, CallStats};
pub(crate) use state::{CallState, Inputs, Table, table};

/// A plugin that can be called.
pub(crate) struct Callable {
    pub(crate) engine: Engine,
    pub(crate) instance: InstancePre<CallState>,
    pub(crate) authority: Authority,
    pub(crate) limits: CallLimits,
}

/// What remains of a call.
pub(crate) struct Called<T> {
    /// What the plugin answered.
    pub(crate) answer: T,
    /// The call's state, with what the host remembers of it.
    pub(crate) state: CallState,
    /// What it cost.
    pub(crate) stats: CallStats,
}

impl Callable {
    /// The entry's name.
    pub(crate) fn name(&self) -> &str {
        self.authority.plugin()
    }

    /// Makes an instance and lets `body` call it, within the limits of the plugin.
    ///
    /// The deadline is kept twice: a timeout around everything ends a wait in a host call, and the epochs
    /// end a loop in the guest. A guest gives way to other tasks with each epoch, so that the timeout also holds on
    /// a runtime with one thread.
    pub(crate) async fn call<T: Send>(
        &self,
        inputs: Inputs,
        body: impl for<'a> FnOnce(
            &'a mut Store<CallState>,
            &'a Instance,
        ) -> BoxFuture<'a, wasmtime::Result<T>>
        + Send,
    ) -> Result<Called<T>, CallError> {
        let started = Instant::now();
        let deadline = started + self.limits.deadline;
        let expired = || CallError::Deadline {
            plugin: self.name().to_owned(),
            limit: self.limits.deadline,
        };
        let running = async {
            let _slot = self.engine.run().await;
            let mut store = self.store(inputs, deadline)?;
            let instance = self
                .instance
                .instantiate_async(&mut store)
                .await
                .map_err(|error| self.failure(&store, &error))?;
            let answer = body(&mut store, &instance)
                .await
                .map_err(|error| self.failure(&store, &error))?;
            let state = store.into_data();
            state.log().end();
            let stats = CallStats {
                duration: started.elapsed(),
                memory_bytes: state.meter().memory_bytes(),
            };
            Ok(Called {
                answer,
                state,
                stats,
            })
        };
        tokio::time::timeout_at(deadline.into(), running)
            .await
            .unwrap_or_else(|_| Err(expired()))
    }

    fn store(&self, inputs: Inputs, deadline: Instant) -> Result<Store<CallState>, CallError> {
        let state = CallState::begin(&self.authority, self.limits, inputs).map_err(|error| {
            CallError::Start {
                plugin: self.name().to_owned(),
                reason: format!("{error:#}"),
            }
        })?;
        let mut store = Store::new(self.engine.wasmtime(), state);
        store.limiter(|state| state.meter_mut());
        store.set_hostcall_fuel(usize::try_from(self.limits.answer).unwrap_or(usize::MAX));
        store.set_max_component_handles(self.limits.resources);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            Ok(if Instant::now() < deadline {
                UpdateDeadline::Yield(1)
            } else {
                UpdateDeadline::Interrupt
            })
        });
        Ok(store)
    }

    fn failure(&self, store: &Store<CallState>, error: &wasmtime::Error) -> CallError {
        let said = store.data().log().end();
        outcome::of(self.name(), &self.limits, error, said)
    }

    /// An answer of the right type that makes no sense.
    pub(crate) fn malformed(&self, reason: impl Into<String>) -> CallError {
        CallError::Malformed {
            plugin: self.name().to_owned(),
            reason: reason.into(),
        }
    }
}
