//! What many ask for at once of one object, done for all of them together: a thousand nodes may come through one token.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A place per name, for as long as somebody is there.
pub(crate) struct Places<P>(Mutex<HashMap<String, Arc<P>>>);

/// Somebody at a place.
pub(crate) struct Visit<'a, P> {
    places: &'a Places<P>,
    name: &'a str,
    place: Arc<P>,
}

/// Live reads by name. Whoever asks gets what was read after the question; who asks while a read is under way waits for
/// the next one, together with everybody else who does.
pub(crate) struct Reads<T>(Places<Reading<T>>);

struct Reading<T> {
    questions: Mutex<u64>,
    last: tokio::sync::Mutex<Last<T>>,
}

/// What was read last.
struct Last<T> {
    /// The last question that was asked before it was read; it answers that one and those before.
    answers: u64,
    value: Option<T>,
}

impl<P: Default> Places<P> {
    /// Goes to the place of this name.
    pub(crate) fn enter<'a>(&'a self, name: &'a str) -> Visit<'a, P> {
        let place = Arc::clone(lock(&self.0).entry(name.to_owned()).or_default());
        Visit {
            places: self,
            name,
            place,
        }
    }
}

impl<P> Default for Places<P> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<P> Deref for Visit<'_, P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.place
    }
}

impl<P> Drop for Visit<'_, P> {
    fn drop(&mut self) {
        let mut places = lock(&self.places.0);
        // The map's and our own: nobody else is there, and nobody comes while the map is locked.
        if Arc::strong_count(&self.place) == 2 {
            places.remove(self.name);
        }
    }
}

impl<T: Clone> Reads<T> {
    /// What `read` finds, or what another's found that began after the question. Where one fails it fails for whoever it was
    /// of, and the next one reads again.
    pub(crate) async fn read<E>(
        &self,
        name: &str,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let place = self.0.enter(name);
        let question = {
            let mut questions = lock(&place.questions);
            *questions = questions.saturating_add(1);
            *questions
        };
        let mut last = place.last.lock().await;
        if let Some(value) = last.value.as_ref().filter(|_| question <= last.answers) {
            return Ok(value.clone());
        }
        let asked = *lock(&place.questions);
        let value = read.await?;
        *last = Last {
            answers: asked,
            value: Some(value.clone()),
        };
        Ok(value)
    }
}

impl<T> Default for Reads<T> {
    fn default() -> Self {
        Self(Places::default())
    }
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self {
            questions: Mutex::default(),
            last: tokio::sync::Mutex::new(Last {
                answers: 0,
                value: None,
            }),
        }
    }
}

/// Locks, also after a thread has panicked: each change under such a lock is one call, so that none is left half-done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn who_asks_during_a_read_shares_the_next() {
        let reads = Reads::default();
        let (begun, gate) = (AtomicU32::new(0), Semaphore::new(0));
        let ask = || {
            reads.read("a", async {
                let number = begun.fetch_add(1, Ordering::SeqCst) + 1;
                gate.acquire().await.unwrap().forget();
                Ok::<_, ()>(number)
            })
        };
        let open = async {
            // Everybody has asked by now; the first read is under way.
            assert_eq!(begun.load(Ordering::SeqCst), 1);
            gate.add_permits(2);
        };
        let (first, second, third, ()) = tokio::join!(ask(), ask(), ask(), open);
        assert_eq!((first, second, third), (Ok(1), Ok(2), Ok(2)));
        assert!(lock(&reads.0.0).is_empty());
    }

    #[tokio::test]
    async fn an_answer_is_never_older_than_its_question() {
        let reads = Reads::default();
        for expected in 0..3 {
            let read = reads.read("a", async { Ok::<_, ()>(expected) }).await;
            assert_eq!(read, Ok(expected));
        }
    }

    #[tokio::test]
    async fn a_failure_is_of_one_question_only() {
        let reads = Reads::default();
        let tries = AtomicU32::new(0);
        let ask = || {
            reads.read("a", async {
                tokio::task::yield_now().await;
                match tries.fetch_add(1, Ordering::SeqCst) {
                    0 => Err("no answer"),
                    number => Ok(number),
                }
            })
        };
        let (first, second, third) = tokio::join!(ask(), ask(), ask());
        assert_eq!((first, second, third), (Err("no answer"), Ok(1), Ok(1)));
    }
}
