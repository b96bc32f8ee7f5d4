//! HTTPS without verification of the server: for trust sources, to the hosts and ports of this call's
//! locations, on the paths of discovery. What it fetches is worth nothing until it proves itself.

mod fetch;
mod place;

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use slipway_config::endpoint::HostPort;
use slipway_config::plugin::Grants;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

use super::{Access, Capability, Inert};
use crate::ExtensionPoint;
use crate::bindings::import::unverified_https::{self, FetchError, Fetched, Limits, Response};
use crate::call::CallState;
use crate::racing::race;
use place::Target;

/// Fetches of one call, allowed or not.
const FETCHES: u32 = 32;
/// Longest URL, in bytes; discovery's own have some hundreds.
const URL_BYTES: usize = 2048;
/// Largest body, in bytes.
const BODY_BYTES: u32 = 1024 * 1024;
/// Longest exchange.
const EXCHANGE: Duration = Duration::from_secs(10);

/// HTTPS without verification.
pub(crate) struct UnverifiedHttps;

impl Capability for UnverifiedHttps {
    fn interfaces(&self) -> &'static [&'static str] {
        &["slipway:plugin/unverified-https"]
    }

    fn access(&self, grants: &Grants, point: ExtensionPoint) -> Access {
        match point {
            ExtensionPoint::TrustSource if grants.unverified_https => Access::Open,
            ExtensionPoint::TrustSource => Access::NeedsGrant {
                grant: "grants: {unverifiedHttps: true}",
                inert: Inert::Never,
            },
            _ => Access::Never {
                reason: "which only a trust source can have",
                inert: Inert::Never,
            },
        }
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        unverified_https::add_to_linker::<CallState, FetchAccess>(linker, |state| FetchView {
            table: &mut state.table,
            session: &mut state.fetches,
        })
    }
}

/// What one call may reach.
#[derive(Default)]
pub(crate) struct FetchSession {
    places: Vec<HostPort>,
    made: u32,
}

impl FetchSession {
    /// For the locations of a call; those that name no host and port open nothing.
    pub(crate) fn begin(locations: &[String]) -> Self {
        Self {
            places: locations
                .iter()
                .filter_map(|location| place::of_location(location))
                .collect(),
            made: 0,
        }
    }

    fn allow(&mut self, url: &str) -> Result<Target, FetchError> {
        if self.made >= FETCHES {
            return Err(FetchError::NotAllowed(format!(
                "a call may fetch {FETCHES} times"
            )));
        }
        self.made += 1;
        if url.len() > URL_BYTES {
            return Err(FetchError::NotAllowed(format!(
                "a URL of {} bytes; expected at most {URL_BYTES}",
                url.len()
            )));
        }
        let target = Target::parse(url).map_err(FetchError::NotAllowed)?;
        if !self.places.contains(&target.place) {
            return Err(FetchError::NotAllowed(format!(
                "{} is none of the locations of this call",
                target.place
            )));
        }
        Ok(target)
    }
}

/// Fetches what was allowed.
async fn fetch(
    allowed: Result<Target, FetchError>,
    limits: Limits,
) -> Result<Response, FetchError> {
    let target = allowed?;
    let (body_bytes, time) = tighter(limits);
    tokio::time::timeout(time, fetch::get(&target, body_bytes))
        .await
        .unwrap_or(Err(FetchError::Timeout))
}

/// The caller's bounds or the host's own, whichever are tighter.
fn tighter(limits: Limits) -> (usize, Duration) {
    let time = Duration::from_millis(limits.time_ms.into());
    (
        limits.body_bytes.min(BODY_BYTES) as usize,
        time.min(EXCHANGE),
    )
}

/// Fetches that are under way, behind a plugin's handle.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Race(BoxStream<'static, Fetched>);

struct FetchAccess;

impl HasData for FetchAccess {
    type Data<'a> = FetchView<'a>;
}

struct FetchView<'a> {
    table: &'a mut ResourceTable,
    session: &'a mut FetchSession,
}

impl unverified_https::Host for FetchView<'_> {
    async fn get(
        &mut self,
        url: String,
        limits: Limits,
    ) -> wasmtime::Result<Result<Response, FetchError>> {
        Ok(fetch(self.session.allow(&url), limits).await)
    }
}

impl unverified_https::HostRace for FetchView<'_> {
    async fn new(&mut self, urls: Vec<String>, limits: Limits) -> wasmtime::Result<Resource<Race>> {
        // What becomes of each is kept until the plugin asks, beyond the memory that the plugin is measured by.
        if urls.len() > FETCHES as usize {
            wasmtime::bail!("a race of {} URLs; expected at most {FETCHES}", urls.len());
        }
        let allowed: Vec<_> = urls.iter().map(|url| self.session.allow(url)).collect();
        let fetched = race((0..).zip(allowed), move |(index, allowed)| async move {
            Fetched {
                index,
                outcome: fetch(allowed, limits).await,
            }
        });
        Ok(self.table.push(Race(fetched.boxed()))?)
    }

    async fn next(&mut self, race: Resource<Race>) -> wasmtime::Result<Option<Fetched>> {
        Ok(self.table.get_mut(&race)?.0.next().await)
    }

    async fn drop(&mut self, race: Resource<Race>) -> wasmtime::Result<()> {
        self.table.delete(race)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::unverified_https::HostRace as _;
    use super::*;

    const PATH: &str = "/api/v1/namespaces/kube-public/configmaps/cluster-info";

    fn session(locations: &[&str]) -> FetchSession {
        let locations: Vec<_> = locations.iter().map(ToString::to_string).collect();
        FetchSession::begin(&locations)
    }

    fn refusal(session: &mut FetchSession, url: &str) -> String {
        match session.allow(url) {
            Err(FetchError::NotAllowed(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_call_reaches_its_own_locations_only() {
        let mut session = session(&["10.0.0.1:6443", "api.example"]);
        for place in ["10.0.0.1:6443", "api.example:6443", "API.example:6443"] {
            session.allow(&format!("https://{place}{PATH}")).unwrap();
        }
        for place in [
            "10.0.0.1",
            "10.0.0.1:6444",
            "10.0.0.2:6443",
            "api.example",
            "169.254.169.254",
        ] {
            let reason = refusal(&mut session, &format!("https://{place}{PATH}"));
            assert!(
                reason.ends_with("is none of the locations of this call"),
                "{reason}"
            );
        }
        assert!(
            refusal(&mut session, "https://10.0.0.1:6443/api/v1/secrets")
                .contains("none of the paths")
        );
    }

    #[test]
    fn a_call_fetches_no_more_often_than_it_may() {
        let mut session = session(&["10.0.0.1:6443"]);
        let url = format!("https://10.0.0.1:6443{PATH}");
        for _ in 0..FETCHES {
            session.allow(&url).unwrap();
        }
        assert_eq!(refusal(&mut session, &url), "a call may fetch 32 times");
    }

    #[test]
    fn what_is_refused_counts_and_is_not_repeated_at_length() {
        let mut session = session(&["10.0.0.1:6443"]);
        let long = format!("https://10.0.0.1:6443{PATH}?{}", "\u{7f}".repeat(1 << 20));
        for _ in 0..FETCHES {
            let reason = refusal(&mut session, &long);
            assert!(reason.len() < 100, "{reason}");
        }
        let url = format!("https://10.0.0.1:6443{PATH}");
        assert_eq!(refusal(&mut session, &url), "a call may fetch 32 times");
    }

    #[tokio::test]
    async fn a_race_is_bounded_and_over_for_good() {
        let (mut table, mut session) = (ResourceTable::new(), session(&["10.0.0.1:6443"]));
        let mut view = FetchView {
            table: &mut table,
            session: &mut session,
        };
        let limits = Limits {
            body_bytes: 1,
            time_ms: 1,
        };
        let urls = |count| vec!["https://10.0.0.2".to_owned(); count];
        assert!(view.new(urls(33), limits).await.is_err());
        let race = view.new(urls(2), limits).await.unwrap();
        let mut next = async || {
            let handle = Resource::new_borrow(race.rep());
            view.next(handle).await.unwrap().map(|over| over.index)
        };
        let over = [next().await, next().await, next().await, next().await];
        assert_eq!(over, [Some(0), Some(1), None, None]);
        view.drop(race).await.unwrap();
        assert!(table.is_empty());
    }

    #[test]
    fn the_tighter_bound_holds() {
        let bounds = |body_bytes, time_ms| {
            tighter(Limits {
                body_bytes,
                time_ms,
            })
        };
        assert_eq!(bounds(10, 20), (10, Duration::from_millis(20)));
        assert_eq!(bounds(u32::MAX, u32::MAX), (BODY_BYTES as usize, EXCHANGE));
    }

    #[test]
    fn without_locations_nothing_is_reached() {
        let url = format!("https://127.0.0.1:6443{PATH}");
        refusal(&mut FetchSession::default(), &url);
        refusal(&mut session(&["/etc/discovery.conf", "file:///x"]), &url);
    }
}
