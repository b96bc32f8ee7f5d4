use std::convert::Infallible;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tower::service_fn;

use super::*;
use crate::authentication::user_from_certificate;

type Issuer = CertifiedIssuer<'static, KeyPair>;

struct Authority(Issuer);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate and its key, PEM.
    fn issue(&self, name: &str, group: &str, sans: &[&str]) -> (String, String) {
        let sans: Vec<String> = sans.iter().map(|&san| san.to_owned()).collect();
        let mut params = CertificateParams::new(sans).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params
            .distinguished_name
            .push(DnType::OrganizationName, group);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

struct Server {
    address: SocketAddr,
    authority: Authority,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), ServeError>>,
}

/// Answers with the user name in the client's certificate, or `nobody`.
async fn who(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/slow" {
        std::future::pending::<()>().await;
    }
    let peer = request.extensions().get::<Peer>().unwrap();
    let user = peer.certificate.as_ref().map_or("nobody".into(), |der| {
        user_from_certificate(der).unwrap().username
    });
    Ok(Response::new(Full::from(user)))
}

async fn start(limits: ConnectionLimits) -> Server {
    let authority = Authority::new("ca");
    let (chain, key) = authority.issue("server", "x", &["localhost"]);
    let identity = TlsIdentity::from_pem(
        chain.as_bytes(),
        key.as_bytes(),
        authority.0.pem().as_bytes(),
    )
    .unwrap();
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(serve(
        service_fn(who),
        listener,
        identity,
        limits,
        shutdown.clone(),
    ));
    Server {
        address,
        authority,
        shutdown,
        task,
    }
}

type Sender = hyper::client::conn::http1::SendRequest<Empty<Bytes>>;

async fn connect(server: &Server, identity: Option<(String, String)>) -> std::io::Result<Sender> {
    let mut roots = RootCertStore::empty();
    roots.add(server.authority.0.der().clone()).unwrap();
    let builder =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
    let config = match identity {
        Some((chain, key)) => {
            use rustls::pki_types::pem::PemObject as _;
            let chain = CertificateDer::pem_slice_iter(chain.as_bytes())
                .collect::<Result<_, _>>()
                .unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    let stream = TcpStream::connect(server.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(std::io::Error::other)?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn get(sender: &mut Sender, path: &str) -> Result<String, hyper::Error> {
    let request = Request::get(path)
        .header("host", "localhost")
        .body(Empty::new())
        .unwrap();
    let body = sender.send_request(request).await?.into_body();
    let bytes = body.collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_client_certificate_is_the_identity_and_none_is_fine() {
    let server = start(ConnectionLimits::default()).await;
    let mut anonymous = connect(&server, None).await.unwrap();
    assert_eq!(get(&mut anonymous, "/").await.unwrap(), "nobody");
    let identity = server
        .authority
        .issue("system:node:n1", "system:nodes", &[]);
    let mut node = connect(&server, Some(identity)).await.unwrap();
    assert_eq!(get(&mut node, "/").await.unwrap(), "system:node:n1");
}

#[tokio::test]
async fn a_certificate_of_another_ca_is_refused() {
    let server = start(ConnectionLimits::default()).await;
    // The same name, so that only the signature tells the two apart.
    let identity = Authority::new("ca").issue("system:node:n1", "system:masters", &[]);
    let answer = match connect(&server, Some(identity)).await {
        // With TLS 1.3 the client learns of the refusal only when it reads.
        Ok(mut sender) => get(&mut sender, "/").await.map_err(std::io::Error::other),
        Err(error) => Err(error),
    };
    assert!(answer.is_err(), "{answer:?}");
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let limits = ConnectionLimits {
        handshake: Duration::from_millis(100),
        head: Duration::from_millis(100),
        ..ConnectionLimits::default()
    };
    let server = start(limits).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(5), silent.read_to_end(&mut rest));
    read.await.expect("closed by the server").ok();
    // An established connection that sends no request is closed, too.
    let mut sender = connect(&server, None).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), async {
        while !sender.is_closed() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("closed by the server");
    assert!(get(&mut sender, "/").await.is_err());
}

#[tokio::test]
async fn a_source_beyond_its_share_is_turned_away() {
    let server = start(ConnectionLimits {
        per_source: 1,
        ..ConnectionLimits::default()
    })
    .await;
    let mut first = connect(&server, None).await.unwrap();
    assert!(connect(&server, None).await.is_err());
    assert_eq!(get(&mut first, "/").await.unwrap(), "nobody");
}

#[tokio::test]
async fn shutdown_ends_what_does_not_end_by_itself() {
    let server = start(ConnectionLimits {
        grace: Duration::from_millis(200),
        ..ConnectionLimits::default()
    })
    .await;
    let mut slow = connect(&server, None).await.unwrap();
    let request = tokio::spawn(async move { get(&mut slow, "/slow").await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let asked = Instant::now();
    server.shutdown.cancel();
    server.task.await.unwrap().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(4));
    assert!(request.await.unwrap().is_err());
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn plain_http_gets_no_answer() {
    let server = start(ConnectionLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn a_port_in_use_is_said_so() {
    let taken = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = bind(address).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {address}: another program already does")
    );
    let error = bind("192.0.2.1:0".parse().unwrap()).await.unwrap_err();
    assert!(
        matches!(error, ServeError::AddressNotAvailable { .. }),
        "{error}"
    );
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let authority = Authority::new("ca");
    let (chain, key) = authority.issue("server", "x", &["localhost"]);
    let (_, other_key) = authority.issue("server", "x", &["localhost"]);
    let ca = authority.0.pem();
    let identity = |chain: &str, key: &str| {
        TlsIdentity::from_pem(chain.as_bytes(), key.as_bytes(), ca.as_bytes())
    };
    assert!(identity(&chain, &key).unwrap().into_config().is_ok());
    assert!(matches!(
        identity(&chain, &other_key).unwrap().into_config(),
        Err(TlsError::Identity(_))
    ));
    assert!(matches!(identity("", &key), Err(TlsError::Empty { .. })));
    assert!(matches!(identity(&chain, "x"), Err(TlsError::Pem { .. })));
    let shown = format!("{:?}", identity(&chain, &key).unwrap());
    assert!(!shown.contains("PRIVATE"), "{shown}");
}
