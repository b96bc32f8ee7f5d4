//! Requests for serving certificates, and what becomes of them.

use std::time::{Duration, Instant};

use serde_json::Value;
use slipway_tests::{Asked, Finished};

use crate::site::{Site, Surroundings};

/// How long a decision may take. An approver whose source is away is asked again after some seconds.
const PATIENCE: Duration = Duration::from_secs(30);

impl<S: Surroundings> Site<S> {
    /// The node asks for a serving certificate for these names.
    #[track_caller]
    pub(crate) fn ask(&self, request: &str, names: &str) {
        let asked = Asked::serving(request, "worker-1", names);
        let create = [
            "create",
            "--raw=/apis/certificates.k8s.io/v1/certificatesigningrequests",
            "--filename=-",
        ];
        let _ = self
            .kubectl_of_node(&create, &asked.manifest().to_string())
            .success();
    }

    /// Waits until a request stands so and this is said of it; an issued one needs no words.
    #[track_caller]
    pub(crate) fn expect(&self, request: &str, standing: &str, says: &str) {
        expect(request, standing, says, |arguments| self.slipway(arguments));
    }
}

/// The same with slipway as the administrator of any cluster.
#[track_caller]
pub(crate) fn expect(
    request: &str,
    standing: &str,
    says: &str,
    slipway: impl Fn(&[&str]) -> Finished,
) {
    let end = Instant::now() + PATIENCE;
    loop {
        let requests = slipway(&["csr", "list", "--output=json"]).json();
        let listed = requests.as_array().expect("a list").iter();
        let found = listed.clone().find(|listed| listed["name"] == request);
        let found = found.unwrap_or_else(|| panic!("no {request} in {requests}"));
        let said = found["message"].as_str().unwrap_or_default();
        if found["standing"] == standing && said.contains(says) {
            return;
        }
        assert!(is_open(found), "{request} is not {standing}: {found}");
        assert!(Instant::now() < end, "no {says:?} in {found}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether another standing may follow.
fn is_open(request: &Value) -> bool {
    request["standing"] != "denied" && request["standing"] != "issued"
}
