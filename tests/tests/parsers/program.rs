//! What the program itself takes: flags, and files of plugins.

use super::*;

#[test]
fn flags() {
    let mut asked = Asked::new();
    let init = ["init", "--apiserver-advertise-address=127.0.0.1"];
    for flag in [
        "--apiserver-advertise-address=localhost",
        "--apiserver-bind-port=65536",
        "--control-plane-endpoint=a b",
        "--additional-endpoints=10.0.0.1:x",
        "--apiserver-cert-extra-sans=*.example",
        "--key-algorithm=DSA",
        "--token-ttl=1 day",
        "--skip-phases=certz",
        "--output=xml",
    ] {
        let all = if flag.contains("advertise") {
            vec!["init", flag]
        } else {
            [&init[..], &[flag]].concat()
        };
        asked.refused(&format!("init {flag}"), &all);
    }
    asked.refused("init phase certz", &["init", "phase", "certz"]);
    for flag in [
        "--cidr=10.0.0.0/33",
        "--cidr=10.0.0.0/8,nowhere",
        "--cidr=10.0.0.0",
        "--cidr=::/129",
        "--ttl=-1h",
        "--ttl=99999999999h",
        "--uses=0",
        "--uses=many",
        "--usages=everything",
        "--groups=system:masters",
        "--groups=system:bootstrappers:A B",
        "--node=A_B",
    ] {
        asked.refused(&format!("token create {flag}"), &["token", "create", flag]);
    }
    let pin = |pin: &str| format!("--discovery-token-ca-cert-hash={pin}");
    for flag in [
        pin(""),
        pin("12"),
        pin("sha1:12"),
        pin("sha256:12"),
        pin(&format!("sha256:{}", "zz".repeat(32))),
        pin(&format!("sha256:{},", "ab".repeat(32))),
        "--node-name=A_B".to_owned(),
        format!("--node-name={}", "a".repeat(300)),
        "--timeout=soon".to_owned(),
    ] {
        asked.refused(&format!("join {flag}"), &["join", "127.0.0.1:1", &flag]);
    }
    for arguments in [
        &["token", "delete", "abc"][..],
        &["posture", "--fail-on=much"],
        &["discovery", "serve", "--listen=nowhere"],
        &["serve", "--listen=1:2:3"],
        &["config", "print", "everything"],
        &["launch"],
    ] {
        asked.refused(&arguments.join(" "), arguments);
    }
    assert_snapshot!("flags", asked.said);
}

#[test]
fn plugin_files() {
    let mut asked = Asked::new();
    let module = asked.file("module.wasm", b"\0asm\x01\0\0\0");
    let component = asked.file("component.wasm", b"\0asm\x0d\0\x01\0");
    let cut = asked.file("cut.wasm", b"\0asm\x0d\0\x01\0\x00\x20\x04name");
    let text = asked.file("text.wasm", b"(component)");
    let empty = asked.file("empty.wasm", b"");
    let garbage = asked.file(
        "garbage.wasm",
        &[b"\0asm\x0d\0\x01\0", &[0xa5; 1000][..]].concat(),
    );
    let folder = asked.sandbox.path().to_str().expect("UTF-8").to_owned();
    let digest = |content: &[u8]| Sha256Digest::of(content);
    let file = |path: &str| {
        let content = fs::read(path).expect("the file");
        format!("source: {path}, digest: '{}'", digest(&content))
    };
    let other = digest(b"something else");
    let sources = [
        ("a core module", file(&module)),
        ("a component of another world", file(&component)),
        ("a component that is cut", file(&cut)),
        ("a component in text", file(&text)),
        ("an empty file", file(&empty)),
        ("garbage", file(&garbage)),
        ("a folder", format!("source: {folder}, digest: '{other}'")),
        (
            "no file",
            format!("source: ./nothing.wasm, digest: '{other}'"),
        ),
        ("a device", format!("source: /dev/zero, digest: '{other}'")),
        ("no digest", format!("source: {component}")),
        (
            "another digest",
            format!("source: {component}, digest: '{other}'"),
        ),
        (
            "a bundled one that is not there",
            "source: approve-manul".to_owned(),
        ),
        (
            "a bundled one of another kind",
            "source: trust-jws".to_owned(),
        ),
        (
            "another digest than the bundled one's",
            format!("source: approve-manual, digest: '{other}'"),
        ),
        (
            "an OCI reference",
            format!("source: oci://registry.example/approve:1, digest: '{other}'"),
        ),
        (
            "a source that is none",
            "source: 'http://example/a.wasm'".to_owned(),
        ),
        (
            "settings that it does not have",
            "source: approve-manual, settings: {colour: red}".to_owned(),
        ),
    ];
    for (what, source) in &sources {
        let configuration = format!("{PLUGINS}csrApprovers: [{{name: mine, {source}}}]\n");
        let configuration = asked.file("plugins.yaml", configuration.as_bytes());
        asked.refused(
            what,
            &[
                "init",
                "--apiserver-advertise-address=127.0.0.1",
                "--apiserver-bind-port=0",
                "--config",
                &configuration,
            ],
        );
    }
    for (what, file) in [
        ("inspect a core module", module.as_str()),
        ("inspect a component that is cut", &cut),
        ("inspect an empty file", &empty),
        ("inspect garbage", &garbage),
        ("inspect a folder", &folder),
    ] {
        asked.refused(what, &["plugin", "inspect", file]);
    }
    assert_snapshot!("plugin-files", asked.said);
}
