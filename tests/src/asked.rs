//! Certificate signing requests as somebody might submit them, for keys that nobody keeps.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::program::{Finished, openssl};
use crate::sandbox::Sandbox;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The object's name.
    pub name: String,
    /// The subject, as openssl takes it: `/O=system:nodes/CN=system:node:worker-1`.
    pub subject: String,
    /// Subject alternative names, as openssl takes them: `DNS:worker-1,IP:192.0.2.1`; empty for none.
    pub alternative_names: String,
    /// The key, as `openssl req -newkey` takes it.
    pub key: &'static [&'static str],
    /// The signer's name.
    pub signer: &'static str,
    /// The usages.
    pub usages: &'static [&'static str],
    /// What openssl does not make.
    pub flaw: Option<Flaw>,
}

/// What openssl does not make itself, and has to be made of what it makes.
#[derive(Debug, Clone, Copy)]
pub enum Flaw {
    /// These bytes are others, as many, and the request is signed as it is then.
    Replaced(&'static [u8], &'static [u8]),
    /// One bit of the signature is another.
    BrokenSignature,
}

impl Asked {
    /// A client certificate of a node.
    #[must_use]
    pub fn client(name: &str, node: &str) -> Self {
        Self {
            name: name.to_owned(),
            subject: format!("/O=system:nodes/CN=system:node:{node}"),
            alternative_names: String::new(),
            key: &["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
            signer: "kubernetes.io/kube-apiserver-client-kubelet",
            usages: &["digital signature", "client auth"],
            flaw: None,
        }
    }

    /// A serving certificate of a node.
    #[must_use]
    pub fn serving(name: &str, node: &str, alternative_names: &str) -> Self {
        Self {
            alternative_names: alternative_names.to_owned(),
            signer: "kubernetes.io/kubelet-serving",
            usages: &["digital signature", "server auth"],
            ..Self::client(name, node)
        }
    }

    /// The object.
    ///
    /// # Panics
    /// openssl fails.
    #[must_use]
    pub fn manifest(&self) -> Value {
        let machine = Sandbox::new();
        let key = machine.file("key.pem");
        let mut command = openssl();
        command
            .args([
                "req",
                "-new",
                "-nodes",
                "-utf8",
                "-multivalue-rdn",
                "-subj",
                &self.subject,
            ])
            .arg("-keyout")
            .arg(&key)
            .arg("-newkey")
            .args(self.key);
        if !self.alternative_names.is_empty() {
            command.args([
                "-addext",
                &format!("subjectAltName={}", self.alternative_names),
            ]);
        }
        let pem = Finished::of(&mut command, "").success();
        let pem = match self.flaw {
            Some(flaw) => in_pem(&flaw.put_into(&in_der(&pem), &key)),
            None => pem,
        };
        json!({
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"name": self.name},
            "spec": {
                "request": STANDARD.encode(pem),
                "signerName": self.signer,
                "usages": self.usages,
            },
        })
    }
}

impl Flaw {
    /// The request, in DER, with the flaw.
    fn put_into(self, request: &[u8], key: &Path) -> Vec<u8> {
        match self {
            Self::Replaced(from, to) => signed(&replaced(first_of(request), from, to), key),
            Self::BrokenSignature => {
                let mut broken = request.to_vec();
                *broken.last_mut().expect("a signature") ^= 1;
                broken
            }
        }
    }
}

fn in_der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).expect("PEM")
}

fn in_pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE REQUEST-----\n".to_owned();
    for line in text.as_bytes().chunks(64) {
        pem.push_str(std::str::from_utf8(line).expect("base64"));
        pem.push('\n');
    }
    pem + "-----END CERTIFICATE REQUEST-----\n"
}

/// What a request consists of is signed with the key: a request, in DER.
fn signed(information: &[u8], key: &Path) -> Vec<u8> {
    const ECDSA_WITH_SHA256: [u8; 12] = [
        0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
    ];
    let file = key.with_extension("der");
    std::fs::write(&file, information).expect("a file beside the key");
    let mut sign = openssl();
    sign.args(["dgst", "-sha256", "-sign"]).arg(key).arg(&file);
    let signature = sign.output().expect("openssl can be run").stdout;
    assert!(!signature.is_empty(), "openssl signs nothing");
    let signature = value(0x03, &[&[0], &signature[..]].concat());
    value(
        0x30,
        &[information, &ECDSA_WITH_SHA256, &signature].concat(),
    )
}

/// The same bytes, with some in the place of others.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places = bytes.windows(from.len()).enumerate();
    let mut places = places.filter(|(_, window)| *window == from);
    let (place, _) = places.next().expect("they are there");
    assert_eq!(places.next(), None, "they are there once");
    let mut replaced = bytes.to_vec();
    replaced[place..place + to.len()].copy_from_slice(to);
    replaced
}

/// A value in DER.
fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let length: Vec<_> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut value = vec![tag];
    if contents.len() > 0x7f {
        value.push(0x80 | u8::try_from(length.len()).expect("a short length"));
    }
    value.extend(length);
    value.extend(contents);
    value
}

/// The first value in a sequence, in DER.
fn first_of(sequence: &[u8]) -> &[u8] {
    let first = &sequence[header(sequence)..];
    let (header, length) = (header(first), length(first));
    &first[..header + length]
}

/// How long tag and length of a value are, in DER.
fn header(value: &[u8]) -> usize {
    2 + more_bytes_of_length(value)
}

/// How long a value is without its header, in DER.
fn length(value: &[u8]) -> usize {
    match more_bytes_of_length(value) {
        0 => value[1].into(),
        more => value[2..2 + more]
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte)),
    }
}

fn more_bytes_of_length(value: &[u8]) -> usize {
    match value[1] {
        0..=0x7f => 0,
        first => usize::from(first & 0x7f),
    }
}
