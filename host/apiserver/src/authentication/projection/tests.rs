use super::*;
use crate::authentication::testing::{MemoryTokens, SECRET_NAME, put, store, stored_token};
use serde_json::json;
use slipway_config::token::TokenBounds;

async fn projection() -> (Arc<MemoryTokens>, Projection) {
    let tokens = Arc::new(MemoryTokens::new());
    let projection = Projection::new(Arc::clone(&tokens) as Arc<dyn TokenStore>, store().await);
    (tokens, projection)
}

fn secret(projection: &Projection) -> Option<Secret> {
    let key = Key::new(SECRETS, SECRET_NAMESPACE, SECRET_NAME);
    let record = projection.store.get(&key)?;
    Some(record.object().unwrap().to_typed().unwrap())
}

#[tokio::test]
async fn a_token_gets_its_secret_with_its_own_uid() {
    let (tokens, projection) = projection().await;
    tokens.set(stored_token("u-1", &[]));
    projection.settle().await.unwrap();
    let secret = secret(&projection).unwrap();
    assert_eq!(secret.metadata.uid.as_deref(), Some("u-1"));
    assert_eq!(secret.type_.as_deref(), Some(SECRET_TYPE));
    assert_eq!(
        secret_data(&secret),
        stored_token("u-1", &[]).record.to_secret_data()
    );
}

#[tokio::test]
async fn the_bounds_that_a_token_was_made_with_come_with_it() {
    let (tokens, projection) = projection().await;
    let mut token = stored_token("u-1", &[]);
    token.bounds.uses = Some(1);
    let bounds = token.bounds.clone();
    tokens.set(token);
    projection.settle().await.unwrap();
    let secret = secret(&projection).unwrap();
    assert_eq!(
        TokenBounds::from_annotations(secret.metadata.annotations.as_ref()),
        Ok(bounds)
    );
}

#[tokio::test]
async fn what_vanished_is_removed_and_what_changed_is_changed() {
    let (tokens, projection) = projection().await;
    tokens.set(stored_token("u-1", &[]));
    projection.settle().await.unwrap();
    tokens.set(stored_token("u-1", &[("description", "rack 4")]));
    projection.settle().await.unwrap();
    let changed = secret(&projection).unwrap();
    assert_eq!(secret_data(&changed)["description"], b"rack 4");
    tokens.clear();
    projection.settle().await.unwrap();
    assert_eq!(secret(&projection), None);
}

#[tokio::test]
async fn a_token_made_anew_gets_another_secret() {
    let (tokens, projection) = projection().await;
    tokens.set(stored_token("u-1", &[]));
    projection.settle().await.unwrap();
    tokens.set(stored_token("u-2", &[]));
    projection.settle().await.unwrap();
    let secret = secret(&projection).unwrap();
    assert_eq!(secret.metadata.uid.as_deref(), Some("u-2"));
}

#[tokio::test]
async fn other_secrets_are_left_alone() {
    let (_, projection) = projection().await;
    let other = Key::new(SECRETS, SECRET_NAMESPACE, "other");
    let elsewhere = Key::new(SECRETS, "default", SECRET_NAME);
    put(&projection.store, other.clone(), json!({"type": "Opaque"})).await;
    put(
        &projection.store,
        elsewhere.clone(),
        json!({"type": SECRET_TYPE}),
    )
    .await;
    projection.settle().await.unwrap();
    assert!(projection.store.get(&other).is_some());
    assert!(projection.store.get(&elsewhere).is_some());
}

#[tokio::test]
async fn a_difference_is_acted_upon_when_it_stays() {
    let (tokens, projection) = projection().await;
    tokens.set(stored_token("u-1", &[]));
    let first = projection.round(&[]).await.unwrap();
    assert_eq!(secret(&projection), None, "it may be a write on its way");
    tokens.set(stored_token("u-1", &[("description", "changed meanwhile")]));
    let second = projection.round(&first).await.unwrap();
    assert_eq!(secret(&projection), None, "it is another difference");
    projection.round(&second).await.unwrap();
    assert!(secret(&projection).is_some());
}

#[tokio::test]
async fn an_outage_removes_nothing() {
    let (tokens, projection) = projection().await;
    tokens.set(stored_token("u-1", &[]));
    projection.settle().await.unwrap();
    tokens.fail();
    assert!(projection.settle().await.is_err());
    assert!(secret(&projection).is_some());
}
