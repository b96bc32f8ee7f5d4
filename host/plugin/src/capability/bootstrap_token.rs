//! Bootstrap tokens as handles: a plugin has the host use a token, and never sees its secret.

use slipway_config::plugin::Grants;
use slipway_config::token::BootstrapToken;
use slipway_pki::jws::{self, JwsError, SignedBytes};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

use super::{Access, Capability, Inert};
use crate::ExtensionPoint;
use crate::bindings::import::bootstrap_token;
use crate::call::CallState;

/// Signatures that one call may have verified.
const VERIFICATIONS: u32 = 32;
/// Bytes that one signature may cover.
const PAYLOAD_BYTES: usize = 1024 * 1024;

/// Tokens; for trust sources, which need no grant for the token of their call.
pub(crate) struct BootstrapTokens;

impl Capability for BootstrapTokens {
    fn interfaces(&self) -> &'static [&'static str] {
        &["slipway:plugin/bootstrap-token"]
    }

    fn access(&self, _: &Grants, point: ExtensionPoint) -> Access {
        match point {
            ExtensionPoint::TrustSource => Access::Open,
            _ => Access::Never {
                reason: "which only a trust source can have",
                inert: Inert::Never,
            },
        }
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        bootstrap_token::add_to_linker::<CallState, TokenAccess>(linker, |state| TokenView {
            table: &mut state.table,
            session: &mut state.tokens,
        })
    }
}

/// What a plugin's handle stands for.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Token(pub(crate) BootstrapToken);

/// What the host did with the tokens of a call.
#[derive(Default)]
pub(crate) struct TokenSession {
    verifications: u32,
    signed: Vec<SignedBytes>,
}

impl TokenSession {
    /// The bytes that passed verification.
    pub(crate) fn into_signed(self) -> Vec<SignedBytes> {
        self.signed
    }
}

struct TokenAccess;

impl HasData for TokenAccess {
    type Data<'a> = TokenView<'a>;
}

struct TokenView<'a> {
    table: &'a mut ResourceTable,
    session: &'a mut TokenSession,
}

impl bootstrap_token::Host for TokenView<'_> {}

impl bootstrap_token::HostToken for TokenView<'_> {
    fn id(&mut self, token: Resource<Token>) -> wasmtime::Result<String> {
        Ok(self.table.get(&token)?.0.id.to_string())
    }

    fn verify_jws(
        &mut self,
        token: Resource<Token>,
        signature: String,
        payload: Vec<u8>,
    ) -> wasmtime::Result<Result<(), bootstrap_token::JwsError>> {
        if self.session.verifications >= VERIFICATIONS || payload.len() > PAYLOAD_BYTES {
            return Ok(Err(bootstrap_token::JwsError::LimitExceeded));
        }
        self.session.verifications += 1;
        let token = &self.table.get(&token)?.0;
        Ok(match jws::verify(token, &signature, &payload) {
            Ok(signed) => {
                self.session.signed.push(signed);
                Ok(())
            }
            Err(error) => Err(error.into()),
        })
    }

    fn drop(&mut self, _: Resource<Token>) -> wasmtime::Result<()> {
        // Guests hold borrows only; the host takes the token back when the call is over.
        Ok(())
    }
}

impl From<JwsError> for bootstrap_token::JwsError {
    fn from(error: JwsError) -> Self {
        let text = error.to_string();
        match error {
            JwsError::Malformed(_) => Self::Malformed(text),
            JwsError::UnexpectedHeader => Self::UnexpectedHeader,
            JwsError::WrongKeyId { .. } => Self::WrongKeyId,
            JwsError::SignatureMismatch => Self::SignatureMismatch,
            _ => Self::Other(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::bootstrap_token::HostToken as _;
    use super::*;

    fn token() -> BootstrapToken {
        "abcdef.0123456789abcdef".parse().unwrap()
    }

    #[test]
    fn the_host_remembers_what_passed_and_only_that() {
        let mut table = ResourceTable::new();
        let mut session = TokenSession::default();
        let handle = table.push(Token(token())).unwrap();
        let borrow = || Resource::new_borrow(handle.rep());
        let mut view = TokenView {
            table: &mut table,
            session: &mut session,
        };
        assert_eq!(view.id(borrow()).unwrap(), "abcdef");
        let signature = jws::sign(&token(), b"signed").unwrap();
        let other = view.verify_jws(borrow(), signature.clone(), b"other".to_vec());
        assert!(matches!(
            other.unwrap(),
            Err(bootstrap_token::JwsError::SignatureMismatch)
        ));
        view.verify_jws(borrow(), signature, b"signed".to_vec())
            .unwrap()
            .unwrap();
        let signed = session.into_signed();
        assert_eq!(signed.len(), 1);
        assert_eq!(signed[0].as_bytes(), b"signed");
    }

    #[test]
    fn a_call_has_no_more_verified_than_it_may() {
        let mut table = ResourceTable::new();
        let mut session = TokenSession::default();
        let handle = table.push(Token(token())).unwrap();
        let mut view = TokenView {
            table: &mut table,
            session: &mut session,
        };
        let signature = jws::sign(&token(), b"x").unwrap();
        let mut verify = |payload: Vec<u8>| {
            view.verify_jws(
                Resource::new_borrow(handle.rep()),
                signature.clone(),
                payload,
            )
            .unwrap()
        };
        let limit = |result| matches!(result, Err(bootstrap_token::JwsError::LimitExceeded));
        assert!(limit(verify(vec![0; PAYLOAD_BYTES + 1])));
        for _ in 0..VERIFICATIONS {
            verify(b"x".to_vec()).unwrap();
        }
        assert!(limit(verify(b"x".to_vec())));
    }
}
