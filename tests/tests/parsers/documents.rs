//! Configuration documents.

use super::*;

const JOIN: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n";
const INIT: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n";
const CLUSTER: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";

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
