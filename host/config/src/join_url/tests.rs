use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::endpoint::Host;

fn refused(text: &str) -> String {
    text.parse::<JoinUrl>().unwrap_err().to_string()
}

#[test]
fn an_invitation_is_read() {
    let pin = format!("sha256:{}", "ab".repeat(32));
    let url: JoinUrl =
        format!("slipway://abcdef@10.0.0.1:6443,[fd00::1]/?pin={pin}&server=api.example")
            .parse()
            .unwrap();
    assert_eq!(url.token_id().as_str(), "abcdef");
    let servers: Vec<String> = url.servers().iter().map(ToString::to_string).collect();
    assert_eq!(
        servers,
        ["10.0.0.1:6443", "[fd00::1]:6443", "api.example:6443"]
    );
    assert_eq!(
        url.to_string(),
        format!("slipway://abcdef@10.0.0.1:6443,[fd00::1]:6443,api.example:6443?pin={pin}")
    );
    let escaped = format!("SLIPWAY://abcdef@10.0.0.1?pin={}", pin.replace(':', "%3A"));
    assert_eq!(escaped.parse::<JoinUrl>().unwrap().pins(), url.pins());
}

#[test]
fn a_host_name_may_look_like_a_token() {
    let url = "slipway://abcdef@master.averyveryverylongdomain.example:6443";
    assert_eq!(url.parse::<JoinUrl>().unwrap().to_string(), url);
}

#[test]
fn a_secret_is_refused_and_not_repeated() {
    for text in [
        "slipway://abcdef.0123456789abcdef@10.0.0.1",
        "slipway://abcdef:0123456789abcdef@10.0.0.1",
        "slipway://abcdef@10.0.0.1?token=abcdef.0123456789abcdef",
        "slipway://abcdef@10.0.0.1?secret=0123456789abcdef",
        "slipway://abcdef@10.0.0.1?x=abcdef.0123456789abcdef",
        "slipway://abcdef.0123456789abcde@10.0.0.1",
    ] {
        assert_eq!(text.parse::<JoinUrl>(), Err(JoinUrlError::Secret), "{text}");
        assert!(!refused(text).contains("0123456789"));
    }
    insta::assert_snapshot!(JoinUrlError::Secret, @"the join URL has a secret in it; expected the token's ID only, six characters: who sees the URL must not be able to use it, so make a new token and give its secret in a file, in the environment or at the prompt");
}

#[test]
fn what_is_no_join_url_is_refused_with_its_reason() {
    insta::assert_snapshot!(refused("https://10.0.0.1"), @"the text is no join URL; expected slipway://TOKEN-ID@HOST:PORT?pin=sha256:…");
    insta::assert_snapshot!(refused("slipway://10.0.0.1"), @"the join URL names no token; expected slipway://TOKEN-ID@HOST:PORT");
    insta::assert_snapshot!(refused("slipway://ABC@10.0.0.1"), @"the join URL's token is malformed: a token ID has six characters of a to z and 0 to 9; the given one has 3, one of them neither a lower-case letter nor a digit");
    insta::assert_snapshot!(refused("slipway://abcdef@"), @"the join URL names no API server; expected slipway://TOKEN-ID@HOST:PORT");
    insta::assert_snapshot!(refused("slipway://abcdef@10.0.0.1:99999"), @r#"the join URL's API server is malformed: "99999" is not a port; expected a number from 1 to 65535"#);
    insta::assert_snapshot!(refused("slipway://abcdef@10.0.0.1/x"), @"the join URL has a path or a fragment; expected slipway://TOKEN-ID@HOST:PORT?pin=sha256:…");
    insta::assert_snapshot!(refused("slipway://abcdef@10.0.0.1?pins=sha256:ab"), @r#"the join URL has the unknown parameter "pins"; expected pin"#);
    insta::assert_snapshot!(refused("slipway://abcdef@10.0.0.1?pin=sha256:ab"), @r#"the join URL is malformed: the CA certificate hash "sha256:ab" has 2 hex digits; expected sha256:<64 hex digits>"#);
    insta::assert_snapshot!(refused("slipway://abcdef@10.0.0.1?colour=red"), @r#"the join URL has the unknown parameter "colour"; expected pin or server"#);
}

proptest! {
    #[test]
    fn invitations_survive_writing_and_reading(
        id in "[a-z0-9]{6}",
        servers in proptest::collection::vec(any::<(IpAddr, u16)>(), 1..4),
        pins in proptest::collection::vec(any::<[u8; 32]>(), 0..3),
    ) {
        let servers = servers.into_iter().map(|(ip, port)| HostPort::new(Host::Ip(ip), port.max(1)).unwrap()).collect();
        let pins = pins.into_iter().map(CaPin::from).collect();
        let url = JoinUrl::new(id.parse().unwrap(), servers, pins).unwrap();
        prop_assert_eq!(url.to_string().parse(), Ok(url));
    }

    #[test]
    fn no_message_repeats_a_secret(before in r"[a-z@:/?=&.]{0,12}", after in r"[@:/?=&.!][a-z@:/?=&.]{0,12}") {
        let text = format!("slipway://{before}abcdef.0123456789abcdef{after}");
        if let Err(error) = text.parse::<JoinUrl>() {
            prop_assert!(!error.to_string().contains("0123456789"));
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in r"(slipway://)?.{0,60}") {
        let _ = text.parse::<JoinUrl>();
    }
}
