//! Publishes where the decision log ends, signed, as a ConfigMap: whoever can cut the log's files cannot cut that.
//!
//! A log that does not go on from what was published before was cut or written anew. That is said, and what was published stays
//! as it is, for `slipway audit verify` to show.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use slipway_pki::key::PrivateKey;
use tokio_util::sync::CancellationToken;

use crate::decision_log::{self, DecisionLog, Head, LogError, SignedHead, SignedHeadError};
use crate::error::Error;
use crate::records::{Record, Records, required};
use crate::system::Clock;

/// The least time between two heads.
const PERIOD: Duration = Duration::from_secs(5);

/// The label by which heads are found.
const LABEL: &str = "slipway.dev/decision-log-head";
const NAME_PREFIX: &str = "decision-log-";
const HEAD: &str = "head";
const KEY: &str = "publicKey";

/// A head as it is published: one for each key, hence for each log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedHead {
    /// What the key is known by, in hex.
    pub fingerprint: String,
    /// The public key, PEM.
    pub public_key: String,
    /// The signed head.
    pub head: String,
}

impl Record for PublishedHead {
    const ALL: &'static str = "the heads of decision logs";
    const LABEL: &'static str = LABEL;
    const IMMUTABLE: bool = false;

    fn name(&self) -> String {
        name(&self.fingerprint)
    }

    fn label(&self) -> String {
        "true".to_owned()
    }

    fn to_data(&self) -> Result<BTreeMap<String, String>, serde_json::Error> {
        Ok([
            ("fingerprint", &self.fingerprint),
            (KEY, &self.public_key),
            (HEAD, &self.head),
        ]
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .into())
    }

    fn from_data(data: &BTreeMap<String, String>) -> Result<Self, String> {
        Ok(Self {
            fingerprint: required(data, "fingerprint")?.clone(),
            public_key: required(data, KEY)?.clone(),
            head: required(data, HEAD)?.clone(),
        })
    }
}

/// The head that was published for the log of a key, if one was.
///
/// # Errors
/// The API refuses.
pub async fn published(
    client: &kube::Client,
    fingerprint: &str,
) -> Result<Option<PublishedHead>, Error> {
    let heads: Records<PublishedHead> = Records::new(client.clone());
    let found = heads.get(&name(fingerprint)).await?;
    Ok(found.map(|stored| stored.record))
}

fn name(fingerprint: &str) -> String {
    let short = fingerprint.get(..32).unwrap_or(fingerprint);
    format!("{NAME_PREFIX}{short}")
}

/// Publishes the head of one log.
pub(crate) struct HeadPublisher {
    pub(crate) client: kube::Client,
    pub(crate) clock: Clock,
    pub(crate) log: DecisionLog,
    pub(crate) key: Arc<PrivateKey>,
}

/// What became of a head.
enum Published {
    Yes,
    /// Somebody was quicker, and what was written has to be looked at.
    AnotherWrote,
}

/// Why a head is not published.
#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error(transparent)]
    Api(#[from] Error),
    #[error("the decision log does not go on from the head that was published: {0}")]
    Log(#[from] LogError),
    #[error("the head of the decision log: {0}")]
    Head(#[from] SignedHeadError),
    #[error("the public key of the decision log: {0}")]
    Key(#[from] slipway_pki::key::PublicKeyError),
}

impl HeadPublisher {
    /// Publishes until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut heads = self.log.heads();
        let mut is_checked = false;
        loop {
            let head = *heads.borrow_and_update();
            match self.publish(head, &mut is_checked).await {
                Ok(Published::Yes) => {}
                Ok(Published::AnotherWrote) => heads.mark_changed(),
                Err(PublishError::Api(error)) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the head of the decision log could not be published"
                    );
                    heads.mark_changed();
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the head of the decision log is not published; see `slipway audit verify --published`"
                    );
                    return stop.cancelled().await;
                }
            }
            let pause = tokio::time::sleep(PERIOD);
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
            match stop.run_until_cancelled(heads.changed()).await {
                Some(Ok(())) => {}
                // Nobody writes any more.
                Some(Err(_)) => return stop.cancelled().await,
                None => return,
            }
        }
    }

    /// Publishes a head; the first time only where the log goes on from the one before.
    async fn publish(&self, head: Head, is_checked: &mut bool) -> Result<Published, PublishError> {
        let public_key = self.key.public_key();
        let fingerprint = public_key.fingerprint().to_string();
        let heads: Records<PublishedHead> = Records::new(self.client.clone());
        let before = heads.get(&name(&fingerprint)).await?;
        if let Some(before) = &before {
            let before = SignedHead::verify(&before.record.head, public_key)?;
            if !*is_checked {
                decision_log::verify_from(self.log.folder(), &before.head)?;
            }
            if before.head == head {
                *is_checked = true;
                return Ok(Published::Yes);
            }
        }
        *is_checked = true;
        let signed = SignedHead {
            head,
            time: (self.clock)(),
        };
        let record = PublishedHead {
            fingerprint,
            public_key: public_key.to_pem()?,
            head: signed.sign(&self.key)?,
        };
        let written = match before {
            Some(before) => heads.replace(before, &record).await?,
            None => heads.create(&record).await?,
        };
        Ok(match written {
            Some(_) => Published::Yes,
            None => Published::AnotherWrote,
        })
    }
}
