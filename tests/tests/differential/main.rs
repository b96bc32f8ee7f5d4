//! The embedded API beside a real API server: both get identical bytes, and have to answer alike.
//!
//! `requests/*.http` hold what is sent, in the order in which it is sent. What kubectl, kubeadm and kubelet 1.36 send was
//! recorded by a proxy with the API server's certificate that passed their requests on as the administrator's; the malformed
//! was made by hand. Where a body is protobuf, its bytes stand beside what they say. A difference between the answers fails,
//! or stands in `known.yaml` with its reason; what stands there and is not seen any more fails, too.

mod body;
mod difference;
mod known;
mod normal;
mod script;
mod server;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use body::Body;
use difference::differences;
use known::Known;
use normal::normalised;
use script::Script;
use server::Server;
use slipway_apiserver::protobuf_to_json;
use slipway_tests::Cluster;
use slipway_tests::kubernetes::Kubernetes;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential");

#[tokio::test]
async fn the_embedded_api_answers_as_kubernetes_does() {
    let folder = Path::new(FOLDER);
    let scripts = Script::read_all(&folder.join("requests"));
    let mut known = Known::read(&folder.join("known.yaml"));
    let (real, embedded) = (Kubernetes::start(), Cluster::start(&[]));
    forget_what_init_made(&embedded);
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

/// The objects of `init` that kubeadm makes, too: requests make them on both servers.
fn forget_what_init_made(embedded: &Cluster) {
    const MADE: [&[&str]; 4] = [
        &["secrets", "--all", "--namespace=kube-system"],
        &["configmap", "cluster-info", "--namespace=kube-public"],
        &["roles,rolebindings", "--all", "--namespace=kube-public"],
        &[
            "clusterrolebinding",
            "kubeadm:node-autoapprove-certificate-rotation",
        ],
    ];
    for made in MADE {
        let _ = embedded.kubectl(&[&["delete"], made].concat()).success();
    }
}

#[test]
fn what_stands_beside_the_bytes_of_a_request_is_what_they_say() {
    const FILLED: &str = "filled in";
    let scripts = Script::read_all(&Path::new(FOLDER).join("requests"));
    let requests = scripts.iter().flat_map(|script| &script.requests);
    let mut read = 0;
    for request in requests {
        let Body::Bytes { says, .. } = &request.body else {
            continue;
        };
        if says.is_null() {
            continue;
        }
        read += 1;
        let mut says = says.clone();
        for field in says["metadata"].as_object_mut().into_iter().flatten() {
            if field.1.as_str().is_some_and(|text| text.starts_with("{{")) {
                *field.1 = FILLED.into();
            }
        }
        let bytes = request.body.to_bytes(|_| FILLED.to_owned());
        let found = protobuf_to_json(&bytes).expect("a message");
        assert_eq!(found, says, "{}", request.title);
    }
    assert!(read > 0, "no request has bytes that say something");
}
