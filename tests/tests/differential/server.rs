//! An API server that is asked.

use std::collections::HashMap;
use std::path::Path;

use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use slipway_apiserver::{protobuf_to_json, protobuf_watch_to_json};

use crate::script::Request;

/// The media type of Kubernetes' protobuf.
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// The same of a watch.
const PROTOBUF_WATCH: &str = "application/vnd.kubernetes.protobuf;stream=watch";

/// One of the two API servers, and the metadata of the objects that it has shown, by the titles of the requests.
pub(crate) struct Server {
    client: Client,
    shown: HashMap<String, Value>,
}

/// An answer as it came.
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) content_type: String,
    /// `Warning` headers.
    pub(crate) warnings: Vec<String>,
    /// One document, or one for each event of a watch.
    pub(crate) documents: Vec<Value>,
}

impl Server {
    /// As the bearer of this kubeconfig.
    pub(crate) async fn of(kubeconfig: &Path) -> Self {
        let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .expect("a kubeconfig that can be used");
        Self {
            client: Client::try_from(config).expect("a client"),
            shown: HashMap::new(),
        }
    }

    /// Sends a request and reads the answer to its end.
    pub(crate) async fn answer(&mut self, request: &Request) -> Answer {
        let mut built = http::Request::builder()
            .method(request.method.as_str())
            .uri(self.filled_in(&request.target));
        for (name, value) in &request.headers {
            built = built.header(name, value);
        }
        let body = Body::from(request.body.to_bytes(|text| self.filled_in(text)));
        let sent = built.body(body).expect("a request");
        let response = self.client.send(sent).await.expect("an answer");
        let headers = response.headers();
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let content_type = headers.get(http::header::CONTENT_TYPE).map(text);
        let warnings = headers.get_all(http::header::WARNING).iter().map(text);
        let warnings = warnings.collect();
        let code = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("a whole body");
        let content_type = content_type.unwrap_or_default();
        let documents = documents(&content_type, &bytes.to_bytes());
        if let [only] = documents.as_slice()
            && !request.is_watch()
        {
            let metadata = only["metadata"].clone();
            self.shown.insert(request.title.clone(), metadata);
        }
        Answer {
            code,
            content_type,
            warnings,
            documents,
        }
    }

    /// With what this server has shown in the place of `{{TITLE FIELD}}`.
    fn filled_in(&self, text: &str) -> String {
        let mut parts = text.split("{{");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once("}}").expect("{{ is followed by }}");
            let (title, field) = name.rsplit_once(' ').expect("a title and a field");
            let value = self
                .shown
                .get(title)
                .and_then(|shown| shown[field].as_str());
            // What is missing makes a difference of its own: the request before was answered differently.
            filled.push_str(value.unwrap_or("missing"));
            filled.push_str(rest);
        }
        filled
    }
}

/// The documents of a body, those of protobuf as JSON would say them; what is neither is a text.
fn documents(content_type: &str, body: &[u8]) -> Vec<Value> {
    let parsed = match content_type {
        _ if body.is_empty() => return Vec::new(),
        PROTOBUF => protobuf_to_json(body).map(|document| vec![document]).ok(),
        PROTOBUF_WATCH => protobuf_watch_to_json(body).ok(),
        _ => serde_json::Deserializer::from_slice(body)
            .into_iter()
            .collect::<Result<_, _>>()
            .ok(),
    };
    parsed.unwrap_or_else(|| vec![String::from_utf8_lossy(body).into_owned().into()])
}
