//! Everything that a user can give and that cannot be read: an error that names the input and what was expected, the exit
//! code for it, and nothing made.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use slipway_config::digest::Sha256Digest;
use slipway_tests::{Finished, Sandbox, bounded, openssl};

/// An alias bomb would take minutes; a parser that refuses it takes none.
const QUICK: Duration = Duration::from_secs(5);

/// What slipway says to each of a list of inputs, one after the other.
struct Asked {
    sandbox: Sandbox,
    said: String,
}

impl Asked {
    fn new() -> Self {
        Self {
            sandbox: Sandbox::new(),
            said: String::new(),
        }
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.sandbox.file(name);
        fs::write(&path, content).expect("a file in a temporary folder");
        // A discovery file that others may write to is refused for that.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// Runs slipway, which has to refuse with the code of bad input.
    #[track_caller]
    fn refused(&mut self, what: &str, arguments: &[&str]) {
        let mut command = self.sandbox.command(arguments);
        self.refused_by(what, &mut command);
    }

    #[track_caller]
    fn refused_by(&mut self, what: &str, command: &mut std::process::Command) {
        let started = Instant::now();
        let run = Finished::of(&mut bounded(command), "");
        assert_eq!(run.code(), Some(2), "{what}: {}", run.stderr());
        let message = run.message(2);
        assert!(started.elapsed() < QUICK, "{what}: {message}");
        assert!(message.len() < 2000, "{what}: {message}");
        assert_eq!(made(&self.sandbox.dir()), [""; 0], "{what}: {message}");
        let message = message.replace("\n\nFor more information, try '--help'.", "");
        writeln!(self.said, "{what}\n  {}", message.replace('\n', "\n  ")).expect("a text");
    }
}

/// What stands in a folder of Slipway's, but for the lock and the list of what it wrote, which is empty.
fn made(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .flat_map(|entry| match entry.file_name().to_str() {
            Some("state") => made(&entry.path()),
            Some("lock" | "manifest.json") => Vec::new(),
            name => vec![name.expect("UTF-8").to_owned()],
        })
        .collect()
}

const PLUGINS: &str = "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\n";
const JOIN: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n";
const INIT: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n";
const CLUSTER: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";

/// Nine times ten to the ninth in a few lines.
fn alias_bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let before = level - 1;
        let aliases = vec![format!("*a{before}"); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{aliases}]").expect("a text");
    }
    text
}

/// Mappings within mappings.
fn deep_mappings(depth: usize) -> String {
    (0..depth)
        .map(|level| format!("{}a:\n", " ".repeat(level)))
        .collect()
}

#[test]
fn configuration_documents() {
    let mut asked = Asked::new();
    let documents: Vec<(&str, Vec<u8>)> = vec![
        ("an empty file", Vec::new()),
        ("a comment", b"# nothing\n".to_vec()),
        ("not UTF-8", [PLUGINS.as_bytes(), b"\xff\xfe"].concat()),
        ("UTF-16", b"\xff\xfea\0:\0 \x001\0".to_vec()),
        ("NUL bytes", vec![0; 100]),
        ("a tab", format!("{PLUGINS}csrApprovers:\n\t- name: a\n").into()),
        ("an open bracket", format!("{PLUGINS}csrApprovers: [").into()),
        ("a list", b"- a\n- b\n".to_vec()),
        ("a text", b"hello".to_vec()),
        ("no kind", b"apiVersion: v1\n".to_vec()),
        ("an unknown kind", b"apiVersion: v1\nkind: Pod\n".to_vec()),
        ("an old version", JOIN.replace("v1beta4", "v1beta2").into()),
        ("an unknown field", format!("{PLUGINS}csrAprovers: []\n").into()),
        ("a field that is not served", format!("{CLUSTER}networking: {{}}\n").into()),
        ("a wrong type", format!("{PLUGINS}csrApprovers: 1\n").into()),
        ("a key twice", format!("{PLUGINS}csrApprovers: []\ncsrApprovers: []\n").into()),
        ("a document twice", format!("{PLUGINS}---\n{PLUGINS}").into()),
        ("a port that is none", format!("{INIT}localAPIEndpoint: {{bindPort: 70000}}\n").into()),
        ("a token that is none", format!("{INIT}bootstrapTokens: [{{token: abc}}]\n").into()),
        ("a time that is none", format!("{INIT}bootstrapTokens: [{{ttl: soon}}]\n").into()),
        ("a pin that is none", format!("{JOIN}discovery: {{bootstrapToken: {{token: abcdef.0123456789abcdef, apiServerEndpoint: a:1, caCertHashes: [sha256:12]}}}}\n").into()),
        ("a name that is none", format!("{JOIN}discovery: {{file: {{kubeConfigPath: /x}}}}\nnodeRegistration: {{name: A_B}}\n").into()),
        ("a digest that is none", format!("{PLUGINS}csrApprovers: [{{name: a, digest: sha256:12}}]\n").into()),
        ("a limit that is none", format!("{PLUGINS}csrApprovers: [{{name: a, limits: {{memory: lots}}}}]\n").into()),
        ("a network that is none", format!("{PLUGINS}csrApprovers: [{{name: a, grants: {{http: [{{host: 'a b'}}]}}}}]\n").into()),
        ("a merge key", format!("{PLUGINS}csrApprovers:\n- &a {{name: a}}\n- <<: *a\n").into()),
        ("a tag", format!("{PLUGINS}csrApprovers: !!python/object:os.system []\n").into()),
        ("an alias of nothing", format!("{PLUGINS}csrApprovers: *nobody\n").into()),
        ("an alias of itself", format!("{PLUGINS}csrApprovers: &a [*a]\n").into()),
        ("an alias bomb", format!("{PLUGINS}csrApprovers: []\n{}", alias_bomb()).into()),
        ("an alias bomb in the settings", format!("{PLUGINS}csrApprovers:\n- name: a\n  settings:\n    {}", alias_bomb().replace('\n', "\n    ")).into()),
        ("deep brackets", format!("{PLUGINS}csrApprovers: {}", "[".repeat(100_000)).into()),
        ("deep braces", format!("{PLUGINS}csrApprovers: {}", "{a: ".repeat(100_000)).into()),
        ("deep mappings", deep_mappings(1000).into()),
        ("deep settings", format!("{PLUGINS}csrApprovers: [{{name: a, settings: {{a: {}{}}}}}]\n", "[".repeat(5000), "]".repeat(5000)).into()),
        ("two million bytes", [PLUGINS.as_bytes(), &b"# padding\n".repeat(200_000)].concat()),
        ("a long line", format!("{PLUGINS}{}: 1\n", "x".repeat(500_000)).into()),
    ];
    for (what, content) in documents {
        let file = asked.file("config.yaml", &content);
        asked.refused(what, &["config", "validate", &file]);
    }
    let folder = asked.sandbox.path().to_str().expect("UTF-8").to_owned();
    asked.refused("a folder", &["config", "validate", &folder]);
    asked.refused("no file", &["config", "validate", "nothing.yaml"]);
    asked.refused("a device without end", &["config", "validate", "/dev/zero"]);
    assert_snapshot!("configuration", asked.said);
}

#[test]
fn configuration_documents_of_commands() {
    let mut asked = Asked::new();
    let bad = asked.file("bad.yaml", format!("{INIT}dryRn: true\n").as_bytes());
    let other = asked.file(
        "other.yaml",
        format!("{INIT}skipPhases: [certz]\n").as_bytes(),
    );
    asked.refused("init", &["init", "--config", &bad]);
    asked.refused("join", &["join", "--config", &bad]);
    asked.refused("plugin list", &["plugin", "list", "--config", &bad]);
    asked.refused("a phase that is none", &["init", "--config", &other]);
    assert_snapshot!("configuration-of-commands", asked.said);
}

#[test]
fn join_urls() {
    let mut asked = Asked::new();
    for url in [
        "slipway://",
        "slipway://@",
        "slipway://abcdef",
        "slipway://abcdef@",
        "slipway://ABCDEF@10.0.0.1:6443",
        "slipway://abc@10.0.0.1:6443",
        "slipway://abcdef.0123456789abcdef@10.0.0.1:6443",
        "slipway://abcdef:0123456789abcdef@10.0.0.1:6443",
        "slipway://abcdef@10.0.0.1:99999",
        "slipway://abcdef@10.0.0.1:0",
        "slipway://abcdef@a b:6443",
        "slipway://abcdef@[::1:6443",
        "slipway://abcdef@10.0.0.1:6443/path",
        "slipway://abcdef@10.0.0.1:6443#fragment",
        "slipway://abcdef@10.0.0.1:6443?pin=12",
        "slipway://abcdef@10.0.0.1:6443?pin=sha256:zz",
        "slipway://abcdef@10.0.0.1:6443?pni=sha256:12",
        "slipway://abcdef@10.0.0.1:6443?token=0123456789abcdef",
        "slipway://abcdef@10.0.0.1:6443?server=",
        "slipway://abcdef@10.0.0.1:6443?pin=%ff",
        "slipway://%00@10.0.0.1",
    ] {
        let shown = url.replace("0123456789abcdef", "SECRET");
        asked.refused(&shown, &["join", url]);
    }
    let long = format!("slipway://abcdef@{}:6443", "a".repeat(10_000));
    asked.refused("a long one", &["join", &long]);
    asked.refused(
        "two",
        &["join", "slipway://abcdef@a?x", "slipway://abcdef@b?x"],
    );
    assert!(!asked.said.contains("0123456789"), "{}", asked.said);
    assert_snapshot!("join-urls", asked.said);
}

#[test]
fn locations() {
    let mut asked = Asked::new();
    let pin = format!("sha256:{}", "ab".repeat(32));
    for location in [
        "",
        "a b",
        "10.0.0.1:port",
        "10.0.0.1:0",
        "10.0.0.1:65536",
        "10.0.0.1:1:2",
        "[::1",
        "http://10.0.0.1:6443",
        "https://10.0.0.1:6443/path",
        "discovery://",
        "ftp://10.0.0.1",
    ] {
        let mut command = asked.sandbox.command(&[
            "join",
            "--discovery-token-ca-cert-hash",
            &pin,
            "--node-name=worker-1",
            "--timeout=1s",
            "--",
            location,
        ]);
        command.env("SLIPWAY_TOKEN", "abcdef.0123456789abcdef");
        asked.refused_by(&format!("{location:?}"), &mut command);
    }
    assert_snapshot!("locations", asked.said);
}

#[test]
fn tokens() {
    let mut asked = Asked::new();
    let pin = format!("sha256:{}", "ab".repeat(32));
    let join = [
        "join",
        "127.0.0.1:1",
        "--discovery-token-ca-cert-hash",
        &pin,
    ];
    let tokens = [
        ("no dot", "abcdef0123456789abcdef"),
        ("a short ID", "abc.0123456789abcdef"),
        ("a long ID", "abcdefg.0123456789abcdef"),
        ("capitals", "ABCDEF.0123456789ABCDEF"),
        ("a short secret", "abcdef.0123456789"),
        ("a long secret", "abcdef.0123456789abcdef0"),
        ("two dots", "abcdef.01234567.89abcdef"),
        ("a letter from afar", "abcdéf.0123456789abcdef"),
        ("blanks", " "),
    ];
    for (what, token) in tokens {
        let mut command = asked.sandbox.command(&join);
        command.env("SLIPWAY_TOKEN", token);
        asked.refused_by(&format!("in the environment: {what}"), &mut command);
    }
    for (what, token) in tokens {
        asked.refused(
            &format!("as an argument: {what}"),
            &[&join[..], &["--token", token]].concat(),
        );
    }
    let empty = asked.file("empty", b"");
    let lines = asked.file(
        "lines",
        b"abcdef.0123456789abcdef\nghijkl.0123456789abcdef\n",
    );
    let binary = asked.file("binary", b"\xff\xfe\x00\x01");
    let huge = asked.file("huge", &b"abcdef.0123456789abcdef".repeat(100_000));
    let folder = asked.sandbox.path().to_str().expect("UTF-8").to_owned();
    for (what, file) in [
        ("an empty file", empty.as_str()),
        ("two lines", &lines),
        ("a binary file", &binary),
        ("a huge file", &huge),
        ("a folder", &folder),
        ("no file", "nothing"),
        ("a device without end", "/dev/zero"),
        ("empty standard input", "-"),
    ] {
        asked.refused(what, &[&join[..], &["--token-file", file]].concat());
    }
    asked.refused("none at all", &join);
    asked.refused(
        "for init",
        &[
            "init",
            "--apiserver-advertise-address=127.0.0.1",
            "--token",
            "abc",
        ],
    );
    let other = asked.file("other", b"ghijkl.0123456789abcdef\n");
    asked.refused(
        "another than the join URL's",
        &[
            "join",
            &format!("slipway://abcdef@127.0.0.1:1?pin={pin}"),
            "--token-file",
            &other,
        ],
    );
    assert!(!asked.said.contains("0123456789"), "{}", asked.said);
    assert_snapshot!("tokens", asked.said);
}

#[test]
fn kubeconfigs() {
    let mut asked = Asked::new();
    let cluster = "clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]\n";
    let context = "contexts: [{name: a, context: {cluster: a, user: a}}]\ncurrent-context: a\n";
    let user = "users: [{name: a, user: {token: s3cr3t-t0ken}}]\n";
    for (what, content) in [
        ("an empty file", String::new()),
        ("a token", "abcdef.s3cr3t-t0ken".to_owned()),
        (
            "an open bracket",
            format!("users: [{{name: a, user: {{token: s3cr3t-t0ken}}\n{cluster}"),
        ),
        (
            "a wrong type",
            format!("{context}{user}clusters: s3cr3t-t0ken\n"),
        ),
        ("no current context", format!("{cluster}{user}")),
        (
            "a context that is not there",
            format!("{cluster}{user}{context}").replace("current-context: a", "current-context: b"),
        ),
        ("a cluster that is not there", format!("{context}{user}")),
        (
            "a server that is none",
            format!("{cluster}{context}{user}").replace("https://127.0.0.1:1", "a b"),
        ),
        (
            "data that is not base64",
            format!("{cluster}{context}{user}")
                .replace("token: ", "client-certificate-data: '!', client-key-data: "),
        ),
        (
            "a CA that is none",
            format!("{cluster}{context}{user}")
                .replace("{server:", "{certificate-authority-data: aGVsbG8=, server:"),
        ),
        (
            "a file that is not there",
            format!("{cluster}{context}{user}").replace(
                "token: s3cr3t-t0ken",
                "client-certificate: nothing, client-key: nothing",
            ),
        ),
        ("an alias bomb", alias_bomb()),
        ("deep brackets", "[".repeat(100_000)),
    ] {
        let file = asked.file("kubeconfig", content.as_bytes());
        asked.refused(what, &["token", "list", "--kubeconfig", &file]);
    }
    let binary = asked.file("kubeconfig", b"\xff\xfe\xfd");
    asked.refused("not UTF-8", &["csr", "list", "--kubeconfig", &binary]);
    asked.refused("no file", &["posture", "--kubeconfig", "nothing"]);
    let folder = asked.sandbox.path().to_str().expect("UTF-8").to_owned();
    asked.refused("a folder", &["token", "list", "--kubeconfig", &folder]);
    assert!(!asked.said.contains("s3cr3t"), "{}", asked.said);
    assert_snapshot!("kubeconfigs", asked.said);
}

#[test]
fn discovery_files() {
    let mut asked = Asked::new();
    let config = "apiVersion: v1\nkind: Config\n";
    let cluster = "clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1', certificate-authority-data: CA}}]\n";
    let documents = [
        ("an empty file", String::new()),
        ("a token", "abcdef.0123456789abcdef".to_owned()),
        ("an open bracket", format!("{config}clusters: [")),
        ("another kind", "apiVersion: v1\nkind: Secret\n".to_owned()),
        ("no cluster", config.to_owned()),
        (
            "two clusters",
            format!(
                "{config}{}",
                cluster.replace(
                    "}}]",
                    "}}, {name: b, cluster: {server: 'https://127.0.0.1:2'}}]"
                )
            ),
        ),
        (
            "no server",
            format!("{config}clusters: [{{name: a, cluster: {{}}}}]\n"),
        ),
        (
            "a server without TLS",
            format!("{config}{}", cluster.replace("https:", "http:")),
        ),
        (
            "a CA that is not base64",
            format!("{config}{}", cluster.replace("CA", "'!'")),
        ),
        (
            "a CA that is none",
            format!("{config}{}", cluster.replace("CA", "aGVsbG8=")),
        ),
        (
            "TLS that is not verified",
            format!(
                "{config}{}",
                cluster.replace(
                    "certificate-authority-data: CA",
                    "insecure-skip-tls-verify: true"
                )
            ),
        ),
        ("an alias bomb", format!("{config}{}", alias_bomb())),
        (
            "deep brackets",
            format!("{config}clusters: {}", "[".repeat(100_000)),
        ),
        (
            "two million bytes",
            format!("{config}{}", "# padding\n".repeat(200_000)),
        ),
    ];
    for (what, content) in documents {
        let file = asked.file("cluster.conf", content.as_bytes());
        asked.refused(
            what,
            &[
                "join",
                "--node-name=worker-1",
                "--timeout=1s",
                "--discovery-file",
                &file,
            ],
        );
    }
    let folder = asked.sandbox.path().to_str().expect("UTF-8").to_owned();
    for (what, location) in [
        ("a folder", folder.as_str()),
        ("no file", "nothing"),
        ("a device", "/dev/zero"),
        ("no location", ""),
        ("http", "http://127.0.0.1/cluster.conf"),
        (
            "a URL with a password",
            "https://user:s3cr3t@127.0.0.1/cluster.conf",
        ),
    ] {
        asked.refused(
            what,
            &["join", "--node-name=worker-1", "--discovery-file", location],
        );
    }
    assert!(!asked.said.contains("0123456789"), "{}", asked.said);
    assert_snapshot!("discovery-files", asked.said);
}

/// A certificate that openssl made, in PEM, with its key.
fn certificate(asked: &Asked, extensions: &str) -> (String, String) {
    let (key, certificate) = (
        asked.sandbox.file("made.key"),
        asked.sandbox.file("made.crt"),
    );
    let mut made = openssl();
    made.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
    ])
    .args([
        "-nodes", "-days", "1", "-subj", "/CN=made", "-addext", extensions,
    ])
    .arg("-keyout")
    .arg(&key)
    .arg("-out")
    .arg(&certificate);
    let _ = Finished::of(&mut made, "").success();
    let read = |path: &Path| fs::read_to_string(path).expect("openssl wrote it");
    (read(&certificate), read(&key))
}

#[test]
fn ca_files() {
    let mut asked = Asked::new();
    let (leaf, key) = certificate(&asked, "basicConstraints=critical,CA:FALSE");
    let lines: Vec<&str> = leaf.lines().collect();
    let without_end = lines[..lines.len() - 1].join("\n");
    let without_middle = [&lines[..2], &lines[4..]].concat().join("\n");
    for (what, content) in [
        ("an empty file", Vec::new()),
        ("a text", b"hello\n".to_vec()),
        ("not UTF-8", b"\xff\xfe".to_vec()),
        ("a key", key.into_bytes()),
        ("a certificate that is no CA's", leaf.clone().into_bytes()),
        ("a certificate without its end", without_end.into_bytes()),
        (
            "a certificate without its middle",
            without_middle.into_bytes(),
        ),
        (
            "a certificate that is not base64",
            leaf.replace("MII", "!!!").into_bytes(),
        ),
        (
            "two million bytes",
            b"-----BEGIN CERTIFICATE-----\n".repeat(75_000),
        ),
    ] {
        let file = asked.file("ca.crt", &content);
        asked.refused(what, &["certs", "ca-hash", &file]);
        asked.refused("  for join", &["join", "127.0.0.1:1", "--ca-file", &file]);
    }
    let folder = asked.sandbox.path().to_str().expect("UTF-8").to_owned();
    for (what, file) in [
        ("a folder", folder.as_str()),
        ("no file", "nothing"),
        ("a device", "/dev/zero"),
    ] {
        asked.refused(what, &["certs", "ca-hash", file]);
        asked.refused("  for join", &["join", "127.0.0.1:1", "--ca-file", file]);
    }
    let lengths =
        regex::Regex::new(r"expected \d+, actual \d+ at DER byte \d+").expect("a pattern");
    assert_snapshot!("ca-files", lengths.replace_all(&asked.said, "LENGTHS"));
}

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
