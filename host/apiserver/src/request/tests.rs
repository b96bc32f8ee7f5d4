use http::Method;
use proptest::prelude::*;

use super::*;
use crate::authorization::Target;

fn parse(method: Method, path: &str, query: &str) -> RequestInfo {
    RequestInfo::parse(&method, path, query).unwrap()
}

/// Verb, group/version, namespace, resource, subresource, name.
fn summary(method: Method, path: &str, query: &str) -> String {
    let info = parse(method, path, query);
    match info.resource {
        None => format!("{} {}", info.verb, info.path),
        Some(target) => [
            info.verb,
            format!("{}/{}", target.group, target.version),
            target.namespace,
            target.resource,
            target.subresource,
            target.name,
        ]
        .join(" "),
    }
}

#[test]
fn paths_are_read_as_kubernetes_reads_them() {
    let csr = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    for (method, path, query, expected) in [
        (
            Method::GET,
            "/api/v1/namespaces",
            "",
            "list /v1  namespaces  ",
        ),
        (
            Method::GET,
            "/api/v1/namespaces/a",
            "",
            "get /v1 a namespaces  a",
        ),
        (
            Method::PUT,
            "/api/v1/namespaces/a/status",
            "",
            "update /v1 a namespaces status a",
        ),
        (
            Method::GET,
            "/api/v1/namespaces/a/secrets",
            "",
            "list /v1 a secrets  ",
        ),
        (
            Method::GET,
            "/api/v1/namespaces/a/secrets",
            "watch=1",
            "watch /v1 a secrets  ",
        ),
        (
            Method::GET,
            "/api/v1/namespaces/a/secrets",
            "watch=true",
            "watch /v1 a secrets  ",
        ),
        (
            Method::GET,
            "/api/v1/namespaces/a/secrets",
            "watch=false",
            "list /v1 a secrets  ",
        ),
        (
            Method::GET,
            "/api/v1/namespaces/a/secrets/s/",
            "",
            "get /v1 a secrets  s",
        ),
        (
            Method::HEAD,
            "/api/v1/namespaces/a/secrets/s",
            "",
            "get /v1 a secrets  s",
        ),
        (
            Method::POST,
            "/api/v1/namespaces/a/secrets",
            "",
            "create /v1 a secrets  ",
        ),
        (
            Method::DELETE,
            "/api/v1/namespaces/a/secrets",
            "",
            "deletecollection /v1 a secrets  ",
        ),
        (
            Method::DELETE,
            "/api/v1/namespaces/a/secrets/s",
            "",
            "delete /v1 a secrets  s",
        ),
        (
            Method::PATCH,
            "/api/v1/nodes/n/status",
            "",
            "patch /v1  nodes status n",
        ),
        (Method::GET, "/api", "", "get /api"),
        (Method::GET, "/api/v1", "", "get /api/v1"),
        (Method::GET, "/healthz", "", "get /healthz"),
        (Method::OPTIONS, "/x", "", "options /x"),
    ] {
        assert_eq!(summary(method, path, query), expected, "{path}?{query}");
    }
    assert_eq!(
        summary(Method::PUT, &format!("{csr}/c/approval"), ""),
        "update certificates.k8s.io/v1  certificatesigningrequests approval c"
    );
    assert_eq!(
        summary(
            Method::GET,
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
            ""
        ),
        "get rbac.authorization.k8s.io/v1  clusterroles  system:node"
    );
    assert!(RequestInfo::parse(&Method::GET, "/api/v1/nodes/%ff", "").is_err());
}

#[test]
fn a_selected_name_is_the_authorizers_name() {
    let name = |method, query| {
        let info = parse(method, "/api/v1/namespaces/a/secrets", query);
        match info.attributes().target {
            Target::Resource(target) => target.name,
            Target::Path(path) => panic!("{path}"),
        }
    };
    assert_eq!(name(Method::GET, "fieldSelector=metadata.name%3Ds"), "s");
    assert_eq!(
        name(
            Method::GET,
            "watch=1&fieldSelector=type%3Dx%2Cmetadata.name%3D%3Ds"
        ),
        "s"
    );
    assert_eq!(name(Method::GET, "fieldSelector=metadata.name%21%3Ds"), "");
    assert_eq!(name(Method::POST, "fieldSelector=metadata.name%3Ds"), "");
}

#[test]
fn list_options() {
    let options = ListOptions::parse(
        "resourceVersion=7&resourceVersionMatch=NotOlderThan&limit=5&continue=c&timeoutSeconds=3\
         &allowWatchBookmarks=true&sendInitialEvents=true&labelSelector=a%3Db&unknown=1",
    )
    .unwrap();
    assert_eq!(
        options,
        ListOptions {
            label_selector: "a=b".to_owned(),
            field_selector: String::new(),
            resource_version: Some(7),
            resource_version_match: Some(ResourceVersionMatch::NotOlderThan),
            limit: Some(5),
            continue_token: "c".to_owned(),
            allow_bookmarks: true,
            send_initial_events: Some(true),
            timeout: Some(std::time::Duration::from_secs(3)),
        }
    );
    assert_eq!(
        ListOptions::parse("resourceVersion=&limit=0&timeoutSeconds=0&limit=-1").unwrap(),
        ListOptions::default()
    );
    for (wrong, code) in [
        ("resourceVersion=x", 400),
        ("resourceVersion=-1", 400),
        ("resourceVersionMatch=Newest", 422),
        ("limit=x", 400),
        ("timeoutSeconds=x", 400),
    ] {
        assert_eq!(
            ListOptions::parse(wrong).unwrap_err().code(),
            code,
            "{wrong}"
        );
    }
}

#[test]
fn write_options() {
    let parse = |query| WriteOptions::parse(query, OptionsKind::CREATE);
    let options = parse("dryRun=All&fieldValidation=Strict&fieldManager=m").unwrap();
    assert!(options.dry_run);
    assert_eq!(options.field_validation, FieldValidation::Strict);
    assert_eq!(parse("dryRun=").unwrap(), WriteOptions::default());
    for (wrong, message) in [
        (
            "dryRun=Some",
            "dryRun: Unsupported value: [\"Some\"]: supported values: \"All\"",
        ),
        (
            "fieldValidation=Lax",
            "fieldValidation: Unsupported value: \"Lax\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
        ),
        (
            "fieldManager=%07",
            "fieldManager: Invalid value: \"\\u{7}\": may have no characters that cannot be printed",
        ),
    ] {
        let refused = parse(wrong).unwrap_err();
        assert_eq!(
            (refused.code().as_u16(), refused.message()),
            (
                422,
                format!("CreateOptions.meta.k8s.io \"\" is invalid: {message}").as_str()
            )
        );
    }
    let long = format!("fieldManager={}", "m".repeat(129));
    assert_eq!(
        parse(&long).unwrap_err().message(),
        "CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Too long: may not be more than 128 bytes"
    );
}

proptest! {
    #[test]
    fn any_path_and_query_is_read(path in "[/a-z%.]{0,40}", query in ".{0,40}") {
        let _ = RequestInfo::parse(&Method::GET, &path, &query);
        let _ = ListOptions::parse(&query);
        let _ = WriteOptions::parse(&query, OptionsKind::PATCH);
    }
}
