//! The embedded API beside a real API server: both get identical bytes, and have to answer alike.
//!
//! `requests/*.http` hold what is sent, in the order in which it is sent. What kubectl sends was recorded from kubectl 1.36
//! on its way to the server; the malformed was made by hand. A difference between the answers fails, or stands in
//! `known.yaml` with its reason; what stands there and is not seen any more fails, too.

mod difference;
mod known;
mod normal;
mod script;
mod server;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use difference::differences;
use known::Known;
use normal::normalised;
use script::Script;
use server::Server;
use slipway_tests::Cluster;
use slipway_tests::kubernetes::Kubernetes;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential");

#[tokio::test]
async fn the_embedded_api_answers_as_kubernetes_does() {
    let folder = Path::new(FOLDER);
    let scripts = Script::read_all(&folder.join("requests"));
    let mut known = Known::read(&folder.join("known.yaml"));
    let (real, embedded) = (Kubernetes::initialised_by_kubeadm(), Cluster::start(&[]));
    // As the same user of the same group.
    let administrator = real.kubeconfig_of("kubernetes-admin", "system:masters");
    let mut real = Server::of(&administrator).await;
    let mut embedded = Server::of(&embedded.kubeconfig()).await;

    let mut found = BTreeMap::new();
    let mut requests = 0;
    for script in &scripts {
        for request in &script.requests {
            requests += 1;
            let theirs = normalised(real.answer(request).await);
            let ours = normalised(embedded.answer(request).await);
            let different = differences(&theirs, &ours);
            let different: Vec<_> = different
                .into_iter()
                .filter(|difference| !known.explains(&script.name, request, difference))
                .collect();
            if !different.is_empty() {
                let title = format!("{}: {}", script.name, request.title);
                found.insert(title, different);
            }
        }
    }
    let mut report = String::new();
    for (title, different) in &found {
        writeln!(report, "{title}").expect("a string takes text");
        for difference in different {
            writeln!(report, "{difference}").expect("a string takes text");
        }
    }
    for unseen in known.unseen() {
        writeln!(report, "known.yaml: no such difference was seen: {unseen}")
            .expect("a string takes text");
    }
    assert!(
        report.is_empty(),
        "{} of {requests} requests are answered differently:\n{report}",
        found.len()
    );
    assert!(requests > 0, "there are no requests in {FOLDER}");
}
