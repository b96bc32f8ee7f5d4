//! What a plugin that was granted something can do, and what it still cannot.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use slipway_config::plugin::PluginEntry;
use slipway_plugin::{ClusterReadError, ClusterReader, CsrApprover, ObjectKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::loading::everything;
use crate::support::{approver, deferred, entry, failure, host};
use crate::trust::{Answer, Cluster};

/// Everything granted, with `grants` in the place of their like.
pub(crate) fn granted(grants: Value) -> PluginEntry {
    let mut entry_text = everything();
    for (name, grant) in grants.as_object().unwrap() {
        entry_text["grants"][name] = grant.clone();
    }
    entry("wants-everything", entry_text)
}

#[tokio::test]
async fn clocks_and_randomness_work() {
    let approver = approver(granted(json!({}))).await;
    let seconds: u64 = deferred(&*approver, "clock").await.parse().unwrap();
    assert!(seconds > 1_700_000_000);
    assert_eq!(deferred(&*approver, "random").await, "8");
    assert_ne!(deferred(&*approver, "resolve localhost").await, "0");
}

#[tokio::test]
async fn a_folder_is_read_only_and_has_no_way_out() {
    let outside = tempfile::tempdir().unwrap();
    let data = outside.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    fs::write(data.join("file"), "content").unwrap();
    std::os::unix::fs::symlink("../secret", data.join("link")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", data.join("absolute")).unwrap();
    let files =
        |writable| json!({"filesystem": [{"name": "data", "path": data, "writable": writable}]});

    let reader = approver(granted(files(false))).await;
    assert_eq!(deferred(&*reader, "read data file").await, "content");
    for attempt in [
        "read data ../secret",
        "read data link",
        "read data absolute",
        "read data /etc/hostname",
        "read other file",
    ] {
        let said = deferred(&*reader, attempt).await;
        assert!(
            !said.contains("secret\n") && said != "secret",
            "{attempt}: {said}"
        );
        assert!(
            said.contains(": ") || said.contains("granted"),
            "{attempt}: {said}"
        );
    }
    assert_ne!(deferred(&*reader, "write data new").await, "written");
    assert!(!data.join("new").exists());

    let writer = approver(granted(files(true))).await;
    assert_eq!(deferred(&*writer, "write data new").await, "written");
    assert_eq!(fs::read_to_string(data.join("new")).unwrap(), "written");
    assert_ne!(deferred(&*writer, "write data ../new").await, "written");
    assert!(!outside.path().join("new").exists());
}

#[tokio::test]
async fn a_plugin_that_hoards_handles_meets_its_limit() {
    let mut entry = granted(json!({}));
    entry.limits = serde_json::from_value(json!({"resources": 16, "deadline": "30s"})).unwrap();
    let approver = approver(entry).await;
    insta::assert_snapshot!(failure(&*approver, "hoard data").await, @"plugin wants-everything trapped: it wanted more than 16 resources of the host at once");
    assert_eq!(deferred(&*approver, "random").await, "8");
}

#[tokio::test]
async fn a_folder_that_is_not_there_keeps_the_plugin_from_loading() {
    let entry = granted(json!({"filesystem": [{"name": "data", "path": "/no/such/folder"}]}));
    insta::assert_snapshot!(crate::support::refusal(entry).await, @"plugin wants-everything: grants.filesystem[0]: /no/such/folder is not a folder");
}

#[tokio::test]
async fn a_request_carries_the_credential_that_the_plugin_never_sees() {
    let server =
        Server::start(|_| "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello".into()).await;
    let folder = tempfile::tempdir().unwrap();
    let credential = folder.path().join("credential");
    fs::write(&credential, "Bearer 0123456789\n").unwrap();
    let approver = approver(granted(json!({"http": [
        {"scheme": "http", "host": "127.0.0.1", "port": server.port, "credentialFile": credential},
    ]})))
    .await;
    let url = format!("http://127.0.0.1:{}/nodes?name=a", server.port);
    assert_eq!(
        deferred(&*approver, &format!("get {url}")).await,
        "200 hello"
    );
    let seen = server.requests().remove(0);
    assert!(seen.starts_with("GET /nodes?name=a HTTP/1.1\r\n"), "{seen}");
    assert!(
        seen.to_lowercase()
            .contains("authorization: bearer 0123456789\r\n"),
        "{seen}"
    );
    assert!(
        seen.to_lowercase()
            .contains(&format!("host: 127.0.0.1:{}\r\n", server.port)),
        "{seen}"
    );

    // Renewed without loading the plugin again.
    fs::write(&credential, "Bearer renewed\n").unwrap();
    deferred(&*approver, &format!("get {url}")).await;
    assert!(server.requests()[1].contains("Bearer renewed"));

    // The plugin's own does not get through where the operator named one.
    deferred(&*approver, &format!("get-with-own-credential {url}")).await;
    assert!(
        !server
            .requests()
            .iter()
            .any(|request| request.contains("mine"))
    );
    let server = Server::start(|_| "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".into()).await;
    let approver = self::approver(granted(json!({"http": [
        {"scheme": "http", "host": "127.0.0.1", "port": server.port},
    ]})))
    .await;
    let url = format!("http://127.0.0.1:{}/", server.port);
    deferred(&*approver, &format!("get-with-own-credential {url}")).await;
    assert!(server.requests()[0].contains("authorization: mine"));
}

#[tokio::test]
async fn a_server_that_the_machine_does_not_trust_gets_no_request() {
    let server = Cluster::new()
        .serve(Answer::ok("text/plain", "hello".to_owned()))
        .await;
    let port = server.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let approver = approver(granted(json!({"http": [
        {"scheme": "https", "host": "127.0.0.1", "port": port},
    ]})))
    .await;
    let said = deferred(&*approver, &format!("get https://{server}/")).await;
    assert!(!said.starts_with("200"), "{said}");
    assert!(
        said.ends_with(
            "the server's certificate is refused: no CA that this machine trusts issued it"
        ),
        "{said}"
    );
}

#[tokio::test]
async fn requests_elsewhere_are_denied_before_a_connection() {
    let server = Server::start(|_| "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".into()).await;
    let approver = approver(granted(json!({"http": [
        {"scheme": "http", "host": "127.0.0.1", "port": 9},
        {"scheme": "https", "host": "127.0.0.1", "port": server.port},
        {"scheme": "http", "host": "localhost", "port": server.port, "methods": ["POST"]},
    ]})))
    .await;
    for url in [
        format!("http://127.0.0.1:{}/", server.port),
        format!("http://localhost:{}/", server.port),
        format!("http://127.1:{}/", server.port),
        format!("http://[::ffff:127.0.0.1]:{}/", server.port),
    ] {
        let said = deferred(&*approver, &format!("get {url}")).await;
        assert!(!said.starts_with("200"), "{url}: {said}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_is_the_plugins_own_and_needs_its_own_grant() {
    let server = Server::start(|_| {
        "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"
            .into()
    })
    .await;
    let approver = approver(granted(json!({"http": [
        {"scheme": "http", "host": "127.0.0.1", "port": server.port},
    ]})))
    .await;
    let said = deferred(
        &*approver,
        &format!("get http://127.0.0.1:{}/", server.port),
    )
    .await;
    assert_eq!(said.trim(), "302");
}

#[tokio::test]
async fn a_server_that_never_answers_costs_no_more_than_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut entry =
        granted(json!({"http": [{"scheme": "http", "host": "127.0.0.1", "port": port}]}));
    entry.limits = serde_json::from_value(json!({"deadline": "300ms"})).unwrap();
    let approver = approver(entry).await;
    let url = format!("get http://127.0.0.1:{port}/");
    insta::assert_snapshot!(failure(&*approver, &url).await, @"plugin wants-everything did not answer within 300 ms");
}

#[tokio::test]
async fn objects_are_read_as_granted_and_secrets_never() {
    let approver = with_cluster(json!([
        {"version": "v1", "kind": "Node", "names": ["a", "absent"]},
        {"version": "v1", "kind": "ConfigMap", "namespace": "inventory"},
    ]))
    .await;
    let sentences = [
        "object Node  a",
        "object Node  absent",
        "object Node  b",
        "objects Node ",
        "object ConfigMap inventory racks",
        "object ConfigMap kube-system racks",
        "objects ConfigMap ",
        "objects ConfigMap inventory",
        "objects ConfigMap kube-system",
        "object Pod inventory a",
        "object Secret inventory a",
        "objects Secret ",
        "object ConfigMap inventory ../../kube-system/secrets/a",
        "object ConfigMap inventory a%2Fb",
        "object ConfigMap inventory a?watch=true",
        "object ConfigMap inventory ..",
        "object ConfigMap inventory ",
    ];
    let mut said = Vec::new();
    for sentence in sentences {
        said.push(format!(
            "{sentence}: {}",
            deferred(&*approver, sentence).await
        ));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
        object Node  a: {"kind":"Node","metadata":{"name":"a"}}
        object Node  absent: absent
        object Node  b: the plugin may not read this: it needs `grants: {cluster: [{version: v1, kind: Node, names: [b]}]}`
        objects Node : [{"kind":"Node","metadata":{"name":"a"}}]
        object ConfigMap inventory racks: {"kind":"ConfigMap","metadata":{"name":"racks","namespace":"inventory"}}
        object ConfigMap kube-system racks: the plugin may not read this: it needs `grants: {cluster: [{version: v1, kind: ConfigMap, namespace: kube-system, names: [racks]}]}`
        objects ConfigMap : [{"kind":"ConfigMap","metadata":{"name":"racks","namespace":"inventory"}}]
        objects ConfigMap inventory: [{"kind":"ConfigMap","metadata":{"name":"racks","namespace":"inventory"}}]
        objects ConfigMap kube-system: the plugin may not read this: it needs `grants: {cluster: [{version: v1, kind: ConfigMap, namespace: kube-system}]}`
        object Pod inventory a: the plugin may not read this: it needs `grants: {cluster: [{version: v1, kind: Pod}]}`
        object Secret inventory a: the plugin may not read this: Secrets can never be granted
        objects Secret : the plugin may not read this: Secrets can never be granted
        object ConfigMap inventory ../../kube-system/secrets/a: "../../kube-system/secrets/a" is not the name of an object
        object ConfigMap inventory a%2Fb: "a%2Fb" is not the name of an object
        object ConfigMap inventory a?watch=true: "a?watch=true" is not the name of an object
        object ConfigMap inventory ..: ".." is not the name of an object
        object ConfigMap inventory : "" is not the name of an object
    "#);
}

#[tokio::test]
async fn a_cluster_that_never_answers_costs_no_more_than_the_deadline() {
    let approver = with_cluster(json!([{"version": "v1", "kind": "Hang"}])).await;
    insta::assert_snapshot!(failure(&*approver, "objects Hang ").await, @"plugin wants-everything did not answer within 1000 ms");
}

#[tokio::test]
async fn more_calls_than_run_at_once_wait_within_their_deadlines() {
    let host = host().with_cluster(Arc::new(Objects));
    let load = async |deadline: &str| {
        let mut entry = granted(json!({"cluster": [{"version": "v1", "kind": "Hang"}]}));
        entry.limits = serde_json::from_value(json!({"deadline": deadline})).unwrap();
        host.load_csr_approver(&entry).await.unwrap()
    };
    let (slow, quick) = (load("3s").await, load("500ms").await);
    let hanging: Vec<_> = (0..64)
        .map(|_| {
            let slow = Arc::clone(&slow);
            tokio::spawn(async move { failure(&*slow, "objects Hang ").await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    insta::assert_snapshot!(failure(&*quick, "random").await, @"plugin wants-everything did not answer within 500 ms");
    for ended in futures::future::join_all(hanging).await {
        assert!(ended.unwrap().contains("did not answer"));
    }
    assert_eq!(deferred(&*quick, "random").await, "8");
}

#[tokio::test]
async fn without_a_cluster_a_plugin_is_told_so() {
    let approver = approver(granted(json!({}))).await;
    insta::assert_snapshot!(deferred(&*approver, "object Node  a").await, @"the API server cannot be asked now: there is no cluster here");
}

async fn with_cluster(grants: Value) -> Arc<dyn CsrApprover> {
    host()
        .with_cluster(Arc::new(Objects))
        .load_csr_approver(&granted(json!({"cluster": grants})))
        .await
        .unwrap()
}

/// Two nodes, two ConfigMaps, a Secret that nobody may see, and a kind that takes for ever.
pub(crate) struct Objects;

impl Objects {
    fn all(kind: &str) -> Vec<Value> {
        let object = |namespace: &str, name: &str| {
            let mut metadata = json!({"name": name});
            if !namespace.is_empty() {
                metadata["namespace"] = namespace.into();
            }
            json!({"kind": kind, "metadata": metadata})
        };
        match kind {
            "Node" => vec![object("", "a"), object("", "b")],
            "ConfigMap" => vec![object("inventory", "racks"), object("kube-system", "racks")],
            "Secret" => vec![object("inventory", "a")],
            _ => Vec::new(),
        }
    }
}

#[async_trait]
impl ClusterReader for Objects {
    async fn get(
        &self,
        kind: &ObjectKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, ClusterReadError> {
        let text = |object: &Value, key: &str| {
            object["metadata"][key]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        Ok(Self::all(&kind.kind)
            .into_iter()
            .find(|object| text(object, "name") == name && text(object, "namespace") == namespace))
    }

    async fn list(
        &self,
        kind: &ObjectKind,
        namespace: &str,
    ) -> Result<Vec<Value>, ClusterReadError> {
        if kind.kind == "Hang" {
            std::future::pending::<()>().await;
        }
        let mut objects = Self::all(&kind.kind);
        objects
            .retain(|object| namespace.is_empty() || object["metadata"]["namespace"] == namespace);
        Ok(objects)
    }
}

/// An HTTP server that keeps what it was sent.
pub(crate) struct Server {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                let mut buffer = [0; 1024];
                while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                    match tokio::time::timeout(Duration::from_secs(5), stream.read(&mut buffer))
                        .await
                    {
                        Ok(Ok(read)) if read > 0 => request.extend_from_slice(&buffer[..read]),
                        _ => break,
                    }
                }
                let request = String::from_utf8_lossy(&request).into_owned();
                let answer = answer(&request);
                kept.lock().unwrap().push(request);
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { port, requests }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}
