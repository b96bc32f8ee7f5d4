//! Secrets: `stringData`, the type, what is immutable; bootstrap tokens are valid, and go to the token
//! store first where a plugin keeps them.

mod types;

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use slipway_config::token::{
    BOUNDS_ANNOTATION, BoundsError, SECRET_NAMESPACE, SECRET_TYPE, TokenBounds, TokenRecord,
};
use slipway_plugin::TokenStore;
use slipway_plugin::extension::token_store::{Precondition, StoredToken, TokenStoreError};

use super::{Violation, data, read, typed, valid};
use crate::authentication::secret_data;
use crate::resource::{Change, Context, Object};
use crate::status::Status;

/// The type of a Secret that names none.
const OPAQUE: &str = "Opaque";
/// The type of a Secret that holds a service account's token.
const SERVICE_ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";

/// From the Secret as the client wants it to the Secret as it is stored.
pub(super) fn admit(
    old: Option<&Object>,
    new: Object,
    context: &Context,
) -> Result<Object, Status> {
    typed(old, &new, |old, new| {
        prepare(old, new);
        valid(&validate(old, new), new.metadata.name.as_deref(), context)
    })
}

/// Writes a bootstrap token to the store that keeps it.
pub(super) async fn write_through(
    store: &dyn TokenStore,
    change: Change<'_>,
    context: &Context,
) -> Result<(), Status> {
    let (Change::Create(object) | Change::Update(_, object) | Change::Delete(object)) = change;
    let Some((record, bounds)) = token(object)? else {
        return Ok(());
    };
    match change {
        Change::Create(new) => create_token(store, record, bounds, new, context).await,
        Change::Update(old, _) => update_token(store, record, old, context).await,
        Change::Delete(old) => delete_token(store, &record, old, context).await,
    }
}

/// The token in a Secret and the bounds that it is made with; none where it holds none.
fn token(object: &Object) -> Result<Option<(TokenRecord, TokenBounds)>, Status> {
    let secret: Secret = read(object)?;
    if !is_token(&secret) {
        return Ok(None);
    }
    let record = TokenRecord::from_secret_data(&secret_data(&secret), object.name()).ok();
    Ok(record.zip(bounds(&secret).ok()))
}

fn bounds(secret: &Secret) -> Result<TokenBounds, BoundsError> {
    TokenBounds::from_annotations(secret.metadata.annotations.as_ref())
}

async fn create_token(
    store: &dyn TokenStore,
    record: TokenRecord,
    bounds: TokenBounds,
    new: &Object,
    context: &Context,
) -> Result<(), Status> {
    let token = StoredToken {
        record,
        bounds,
        uid: new.uid().to_owned(),
        created: context.now,
    };
    match store.put(&token, Precondition::Absent).await {
        Ok(_) => Ok(()),
        Err(TokenStoreError::Conflict) => {
            let existing = store.get(&token.record.id).await.map_err(no_answer)?;
            // The same create, tried again.
            if existing.is_some_and(|existing| existing.value.uid == token.uid) {
                return Ok(());
            }
            let resource = context.resource.group_resource();
            Err(Status::already_exists(&resource, new.name()))
        }
        Err(error) => Err(no_answer(error)),
    }
}

async fn update_token(
    store: &dyn TokenStore,
    record: TokenRecord,
    old: &Object,
    context: &Context,
) -> Result<(), Status> {
    let modified = || Status::modified(&context.resource.group_resource(), old.name());
    let existing = store.get(&record.id).await.map_err(no_answer)?;
    let existing = existing
        .filter(|existing| existing.value.uid == old.uid())
        .ok_or_else(modified)?;
    if existing.value.record == record {
        return Ok(());
    }
    let token = StoredToken {
        record,
        ..existing.value
    };
    match store
        .put(&token, Precondition::Version(existing.version))
        .await
    {
        Ok(_) => Ok(()),
        Err(TokenStoreError::Conflict) => Err(modified()),
        Err(error) => Err(no_answer(error)),
    }
}

async fn delete_token(
    store: &dyn TokenStore,
    record: &TokenRecord,
    old: &Object,
    context: &Context,
) -> Result<(), Status> {
    let existing = store.get(&record.id).await.map_err(no_answer)?;
    // A token that was made anew under this ID is another one.
    let Some(existing) = existing.filter(|existing| existing.value.uid == old.uid()) else {
        return Ok(());
    };
    match store.delete(&record.id, &existing.version).await {
        Ok(()) => Ok(()),
        Err(TokenStoreError::Conflict) => Err(Status::modified(
            &context.resource.group_resource(),
            old.name(),
        )),
        Err(error) => Err(no_answer(error)),
    }
}

fn no_answer(error: TokenStoreError) -> Status {
    match error {
        // Worth another try.
        TokenStoreError::Unavailable(_)
        | TokenStoreError::Failed(_)
        | TokenStoreError::Conflict => {
            Status::unavailable(format!("the token store gives no answer: {error}"))
        }
        TokenStoreError::Corrupt(_)
        | TokenStoreError::Unsealable { .. }
        | TokenStoreError::Other(_) => Status::internal(format!("the token store failed: {error}")),
    }
}

fn is_token(secret: &Secret) -> bool {
    secret.type_.as_deref() == Some(SECRET_TYPE)
        && secret.metadata.namespace.as_deref() == Some(SECRET_NAMESPACE)
}

/// Moves `stringData` into `data` and fills in the type.
fn prepare(old: Option<&Secret>, new: &mut Secret) {
    if let Some(text) = new.string_data.take() {
        new.data.get_or_insert_default().extend(
            text.into_iter()
                .map(|(key, value)| (key, ByteString(value.into_bytes()))),
        );
    }
    if new.type_.as_ref().is_none_or(String::is_empty) {
        new.type_ = old
            .and_then(|old| old.type_.clone())
            .or_else(|| Some(OPAQUE.to_owned()));
    }
}

/// Everything wrong with a prepared Secret. Values are never repeated.
fn validate(old: Option<&Secret>, new: &Secret) -> Vec<Violation> {
    let mut found = old.map(|old| validate_change(old, new)).unwrap_or_default();
    found.extend(data::keys("data", new.data.iter().flat_map(BTreeMap::keys)));
    found.extend(data::size(
        "data",
        new.data.iter().flatten().map(|(_, value)| value.0.len()),
    ));
    if new.type_.as_deref() == Some(SERVICE_ACCOUNT_TOKEN) {
        found.push(Violation::forbidden(
            "type",
            "service account tokens are not served by the embedded API",
        ));
    }
    found.extend(types::violations(new));
    if is_token(new) {
        let name = new.metadata.name.as_deref().unwrap_or_default();
        if let Err(error) = TokenRecord::from_secret_data(&secret_data(new), name) {
            found.push(Violation::invalid("data", error.to_string()));
        }
        match (old.map(bounds), bounds(new)) {
            (_, Err(error)) => found.push(Violation::invalid("metadata.annotations", error.to_string())),
            (Some(old), new) if old != new => found.push(Violation::forbidden(
                "metadata.annotations",
                format!(
                    "a token keeps the bounds that it was made with, so that {BOUNDS_ANNOTATION} cannot be changed"
                ),
            )),
            _ => {}
        }
    }
    found
}

/// What may not become of a Secret.
fn validate_change(old: &Secret, new: &Secret) -> Vec<Violation> {
    let mut found = Vec::new();
    if old.type_ != new.type_ {
        let type_ = new.type_.as_deref().unwrap_or_default();
        found.push(Violation::invalid(
            "type",
            format!("{type_:?}: field is immutable"),
        ));
    }
    if old.immutable == Some(true) {
        if new.immutable != Some(true) {
            found.push(Violation::forbidden("immutable", data::CONSTANT));
        }
        if old.data != new.data {
            found.push(Violation::forbidden("data", data::CONSTANT));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(type_: &str, data: &[(&str, &str)]) -> Secret {
        Secret {
            type_: Some(type_.into()).filter(|type_: &String| !type_.is_empty()),
            data: Some(
                data.iter()
                    .map(|&(key, value)| (key.to_owned(), ByteString(value.into())))
                    .collect(),
            ),
            ..Secret::default()
        }
    }

    fn bootstrap_token(name: &str, data: &[(&str, &str)]) -> Secret {
        let mut secret = secret(SECRET_TYPE, data);
        secret.metadata.name = Some(name.into());
        secret.metadata.namespace = Some(SECRET_NAMESPACE.into());
        secret
    }

    #[test]
    fn text_becomes_data_and_wins() {
        let mut new = secret("", &[("a", "1"), ("b", "2")]);
        new.string_data = Some([("b".to_owned(), "3".to_owned())].into());
        prepare(None, &mut new);
        assert_eq!(new, secret("Opaque", &[("a", "1"), ("b", "3")]));
    }

    #[test]
    fn the_type_stays() {
        let old = secret("example.com/x", &[]);
        let mut unnamed = secret("", &[]);
        prepare(Some(&old), &mut unnamed);
        assert_eq!(validate(Some(&old), &unnamed), []);
        assert_eq!(
            validate(Some(&old), &secret("Opaque", &[]))[0].field,
            "type"
        );
        assert_eq!(validate(None, &secret(SERVICE_ACCOUNT_TOKEN, &[])).len(), 1);
    }

    #[test]
    fn what_is_immutable_stays() {
        let mut old = secret("Opaque", &[("a", "1")]);
        old.immutable = Some(true);
        assert_eq!(validate(Some(&old), &old), []);
        let fields: Vec<_> = validate(Some(&old), &secret("Opaque", &[("a", "2")]))
            .into_iter()
            .map(|violation| violation.field)
            .collect();
        assert_eq!(fields, ["immutable", "data"]);
    }

    #[test]
    fn the_bounds_of_a_token_are_readable_and_stay() {
        let data = [("token-id", "abcdef"), ("token-secret", "0123456789abcdef")];
        let with = |bounds: Option<&str>| {
            let mut token = bootstrap_token("bootstrap-token-abcdef", &data);
            token.metadata.annotations =
                bounds.map(|text| [(BOUNDS_ANNOTATION.to_owned(), text.to_owned())].into());
            token
        };
        let once = with(Some(r#"{"uses":1}"#));
        assert_eq!(validate(None, &once), []);
        assert_eq!(validate(Some(&once), &once), []);
        assert_eq!(validate(None, &with(Some("once"))).len(), 1);
        for other in [with(None), with(Some(r#"{"uses":2}"#))] {
            assert_eq!(validate(Some(&once), &other).len(), 1);
            assert_eq!(validate(Some(&other), &once).len(), 1);
        }
    }

    #[test]
    fn a_bootstrap_token_is_whole_and_under_its_name() {
        let data = [("token-id", "abcdef"), ("token-secret", "0123456789abcdef")];
        let name = "bootstrap-token-abcdef";
        assert_eq!(validate(None, &bootstrap_token(name, &data)), []);
        let with = |key, value| [data[0], data[1], (key, value)];
        for bad in [
            bootstrap_token("bootstrap-token-uvwxyz", &data),
            bootstrap_token("abcdef", &data),
            bootstrap_token(name, &data[..1]),
            bootstrap_token(name, &[data[0], ("token-secret", "0123456789abcdef0")]),
            bootstrap_token(name, &with("auth-extra-groups", "system:masters")),
            bootstrap_token(name, &with("auth-extra-groups", "system:bootstrappers:a,x")),
        ] {
            let found = validate(None, &bad);
            assert_eq!(found.len(), 1, "{bad:?}");
            assert!(!found[0].to_string().contains("0123456789abcdef"));
        }
    }
}
