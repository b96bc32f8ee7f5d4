//! Several trust sources that have to agree: whoever wants to pose as the cluster has to deceive as many of them.
//!
//! Every source is asked, all at once, and each has to lead to trust by a proof of its own. Sources that come from the same
//! place (a host, a file) can be deceived in one go: together they count once.

mod places;

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroUsize;

use futures::future::join_all;
use slipway_config::pin::CaPin;
use slipway_config::posture::PostureId;

use self::places::places;
use super::failure::FailedSource;
use super::{Discovered, DiscoveryFailure, Plugins, Request, attempt};
use crate::progress::{Event, Progress};

/// What is open where a CA is believed on the word of one source.
const WITHOUT_PIN: [PostureId; 2] = [
    PostureId::TokenWithoutPin,
    PostureId::HttpsDiscoveryWithoutPin,
];

/// Too few sources agree.
#[derive(Debug)]
pub struct NoQuorum {
    /// How many have to agree.
    pub needed: NonZeroUsize,
    /// Each CA set that sources led to, with those that did, as groups of one place each.
    pub groups: Vec<(Vec<CaPin>, Vec<Vec<String>>)>,
    /// Those that led to no trust.
    pub failed: Vec<FailedSource>,
}

/// What one source led to.
struct Vote<T> {
    /// The source, for display.
    name: String,
    /// The places that it comes from.
    places: BTreeSet<String>,
    /// The CA that it led to.
    pins: BTreeSet<CaPin>,
    /// What comes with it.
    led_to: T,
}

/// Sources that led to the same CA.
struct Camp<T> {
    pins: BTreeSet<CaPin>,
    votes: Vec<Vote<T>>,
}

/// What the votes come to.
struct Tally<T> {
    winner: Option<Camp<T>>,
    others: Vec<Camp<T>>,
}

/// Asks every source, and returns what the first of those led to that agree.
pub(super) async fn together(
    request: &Request,
    needed: NonZeroUsize,
    plugins: Plugins<'_>,
    progress: &dyn Progress,
) -> Result<Discovered, DiscoveryFailure> {
    let asked = plugins.trust.iter().flat_map(|candidate| {
        let sources = request.sources.iter();
        sources
            .filter(|source| candidate.is_for(source))
            .map(move |source| (candidate, source))
    });
    let attempts = asked.map(async |(candidate, source)| {
        let attempt = attempt::attempt(request, source, candidate, plugins.endpoints, progress);
        let (led_to, places) = tokio::join!(attempt, places(source));
        let name = format!(
            "{} ({})",
            candidate.plugin.identity().name,
            source.places().join(", ")
        );
        match led_to {
            Ok(discovered) => Ok(Vote {
                name,
                places,
                pins: discovered.trust.ca().pins().into_iter().collect(),
                led_to: discovered,
            }),
            Err(failure) => Err(FailedSource {
                source_name: name,
                failure,
            }),
        }
    });
    let mut votes = Vec::new();
    let mut failed = Vec::new();
    for answer in join_all(attempts).await {
        match answer {
            Ok(vote) => votes.push(vote),
            Err(failure) => failed.push(failure),
        }
    }
    let Tally { winner, others } = tally(votes, needed);
    let Some(camp) = winner else {
        let groups = others.into_iter().map(|camp| {
            let groups = names(&camp.votes);
            (camp.pins.into_iter().collect(), groups)
        });
        return Err(NoQuorum {
            needed,
            groups: groups.collect(),
            failed,
        }
        .into());
    };
    for note in notes(&camp, &others, &failed) {
        progress.event(Event::Note(note));
    }
    // Whatever one of them leaves open about the CA, another has proven. Where the API servers are, and with which credentials,
    // is the first's to say all the same.
    let mut others = camp.votes.iter().map(|vote| &vote.led_to.posture);
    let is_proven = others.any(Vec::is_empty);
    let first = camp.votes.into_iter().next();
    let mut discovered = first.ok_or(DiscoveryFailure::NoTrustSource)?.led_to;
    discovered
        .posture
        .retain(|entry| !(is_proven && WITHOUT_PIN.contains(&entry.id)));
    Ok(discovered)
}

/// The only camp with as many independent sources as it takes, if there is one, and the others. Two such camps are none: one
/// of them is not the cluster's.
fn tally<T>(votes: Vec<Vote<T>>, needed: NonZeroUsize) -> Tally<T> {
    let mut camps: Vec<Camp<T>> = Vec::new();
    for vote in votes {
        match camps.iter_mut().find(|camp| camp.pins == vote.pins) {
            Some(camp) => camp.votes.push(vote),
            None => camps.push(Camp {
                pins: vote.pins.clone(),
                votes: vec![vote],
            }),
        }
    }
    let is_enough = |camp: &Camp<T>| independent(&camp.votes).len() >= needed.get();
    let mut winners = camps.iter().enumerate().filter(|(_, camp)| is_enough(camp));
    let winner = match (winners.next(), winners.next()) {
        (Some((index, _)), None) => Some(index),
        _ => None,
    };
    Tally {
        winner: winner.map(|index| camps.remove(index)),
        others: camps,
    }
}

/// The votes by the places that they come from: those that share one, by themselves or through others, are together.
fn independent<T>(votes: &[Vote<T>]) -> Vec<Vec<&Vote<T>>> {
    let mut groups: Vec<(BTreeSet<&String>, Vec<&Vote<T>>)> = Vec::new();
    for vote in votes {
        let mut places: BTreeSet<&String> = vote.places.iter().collect();
        let mut together = vec![vote];
        groups.retain(|(theirs, members)| {
            let is_apart = theirs.is_disjoint(&places);
            if !is_apart {
                places.extend(theirs);
                together.splice(0..0, members.iter().copied());
            }
            is_apart
        });
        groups.push((places, together));
    }
    groups.into_iter().map(|(_, members)| members).collect()
}

fn names<T>(votes: &[Vote<T>]) -> Vec<Vec<String>> {
    independent(votes)
        .into_iter()
        .map(|group| group.into_iter().map(|vote| vote.name.clone()).collect())
        .collect()
}

/// Who agreed, who did not, and who counted together with whom.
fn notes<T>(camp: &Camp<T>, others: &[Camp<T>], failed: &[FailedSource]) -> Vec<String> {
    let groups = names(&camp.votes);
    let mut notes = vec![format!(
        "{} independent trust sources agree on the CA {}: {}",
        groups.len(),
        pins(&camp.pins),
        listed(&groups)
    )];
    for other in others {
        notes.push(format!(
            "overruled, with the CA {}: {}",
            pins(&other.pins),
            listed(&names(&other.votes))
        ));
    }
    notes.extend(
        failed
            .iter()
            .map(|failed| format!("without a say: {failed}")),
    );
    notes
}

fn pins<'a>(pins: impl IntoIterator<Item = &'a CaPin>) -> String {
    let pins: Vec<_> = pins.into_iter().map(ToString::to_string).collect();
    pins.join(" and ")
}

/// `a; b and c (from the same place, so they count once)`.
fn listed(groups: &[Vec<String>]) -> String {
    let groups: Vec<_> = groups
        .iter()
        .map(|group| match group.as_slice() {
            [only] => only.clone(),
            several => format!(
                "{} (from the same place, so they count once)",
                several.join(" and ")
            ),
        })
        .collect();
    groups.join("; ")
}

impl NoQuorum {
    /// Whether more may agree later.
    pub(super) fn is_retryable(&self) -> bool {
        !self.is_refusal()
            && self
                .failed
                .iter()
                .any(|failed| failed.failure.is_retryable())
    }

    /// The source without a say that says most: one that found what does not hold before one that could not be asked.
    pub fn telling(&self) -> Option<&FailedSource> {
        let mut failed = self.failed.iter();
        failed
            .find(|failed| failed.failure.is_refusal())
            .or_else(|| self.failed.first())
    }

    /// Whether sources contradict each other.
    pub(super) fn is_refusal(&self) -> bool {
        self.groups.len() > 1 || self.failed.iter().any(|failed| failed.failure.is_refusal())
    }
}

impl std::error::Error for NoQuorum {}

impl fmt::Display for NoQuorum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let enough = |groups: &Vec<Vec<String>>| groups.len() >= self.needed.get();
        match self
            .groups
            .iter()
            .filter(|(_, groups)| enough(groups))
            .count()
        {
            0 => write!(
                formatter,
                "{} independent trust sources have to agree on the cluster's CA, and do not:",
                self.needed
            )?,
            _ => formatter.write_str(
                "the trust sources agree on different CAs, of which at most one is the cluster's:",
            )?,
        }
        for (ca, groups) in &self.groups {
            write!(formatter, "\n  CA {}: {}", pins(ca), listed(groups))?;
        }
        for failed in &self.failed {
            write!(formatter, "\n  {failed}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pin(digit: &str) -> CaPin {
        format!("sha256:{}", digit.repeat(64)).parse().unwrap()
    }

    fn vote(name: &str, places: &[&str], ca: &str) -> Vote<()> {
        Vote {
            name: name.to_owned(),
            places: places.iter().map(ToString::to_string).collect(),
            pins: BTreeSet::from([pin(ca)]),
            led_to: (),
        }
    }

    fn two() -> NonZeroUsize {
        NonZeroUsize::new(2).unwrap()
    }

    /// Who won, or the number of camps.
    fn winners(votes: Vec<Vote<()>>) -> Result<Vec<Vec<String>>, usize> {
        let Tally { winner, others } = tally(votes, two());
        winner.map(|camp| names(&camp.votes)).ok_or(others.len())
    }

    #[test]
    fn as_many_as_needed_agree() {
        let won = winners(vec![
            vote("jws", &["10.0.0.1"], "a"),
            vote("https", &["web.example", "10.9.9.9"], "b"),
            vote("file", &["/etc/ca.conf"], "a"),
        ]);
        assert_eq!(won.unwrap(), [["jws"], ["file"]]);
    }

    #[test]
    fn what_comes_from_one_place_counts_once() {
        let same_host = vec![
            vote("jws", &["10.0.0.1"], "a"),
            vote("https", &["web.example", "10.0.0.1"], "a"),
        ];
        assert_eq!(winners(same_host), Err(1));
        // One that shares a place with each of two others brings those together.
        let through_a_third = vec![
            vote("one", &["a"], "a"),
            vote("two", &["b"], "a"),
            vote("both", &["a", "b"], "a"),
        ];
        assert_eq!(winners(through_a_third), Err(1));
    }

    #[test]
    fn two_camps_that_are_large_enough_are_none() {
        let torn = vec![
            vote("1", &["1"], "a"),
            vote("2", &["2"], "b"),
            vote("3", &["3"], "a"),
            vote("4", &["4"], "b"),
        ];
        assert_eq!(winners(torn), Err(2));
    }

    #[test]
    fn a_larger_set_of_cas_is_another() {
        let mut rogue = vote("https", &["web.example"], "a");
        rogue.pins.insert(pin("b"));
        assert_eq!(winners(vec![vote("jws", &["1"], "a"), rogue]), Err(2));
    }

    #[test]
    fn the_messages_name_everybody() {
        let votes = || {
            vec![
                vote("jws", &["10.0.0.1"], "a"),
                vote("https", &["10.0.0.1"], "a"),
                vote("file", &["/ca"], "b"),
            ]
        };
        let camps = tally(votes(), two()).others;
        let error = NoQuorum {
            needed: two(),
            groups: camps
                .into_iter()
                .map(|camp| (camp.pins.iter().copied().collect(), names(&camp.votes)))
                .collect(),
            failed: vec![FailedSource {
                source_name: "trust-x".to_owned(),
                failure: DiscoveryFailure::NoTrustSource,
            }],
        };
        let text = error
            .to_string()
            .replace(&"a".repeat(64), "A")
            .replace(&"b".repeat(64), "B");
        insta::assert_snapshot!(text, @r"
        2 independent trust sources have to agree on the cluster's CA, and do not:
          CA sha256:A: jws and https (from the same place, so they count once)
          CA sha256:B: file
          trust-x: no trust source is configured for what was given to discover the cluster from
        ");
        assert!(error.is_refusal());
    }

    proptest! {
        /// However votes come in, groups share no place with each other, and every vote is in one.
        #[test]
        fn groups_share_nothing(places in prop::collection::vec(prop::collection::btree_set(0..6_u8, 1..3), 0..8)) {
            let votes: Vec<_> = places
                .iter()
                .enumerate()
                .map(|(index, places)| {
                    let places: Vec<_> = places.iter().map(ToString::to_string).collect();
                    vote(&index.to_string(), &places.iter().map(String::as_str).collect::<Vec<_>>(), "a")
                })
                .collect();
            let groups = independent(&votes);
            prop_assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), votes.len());
            let of = |group: &[&Vote<()>]| -> BTreeSet<String> {
                group.iter().flat_map(|vote| vote.places.clone()).collect()
            };
            for (index, one) in groups.iter().enumerate() {
                for other in groups.iter().skip(index + 1) {
                    prop_assert!(of(one).is_disjoint(&of(other)));
                }
            }
        }
    }
}
