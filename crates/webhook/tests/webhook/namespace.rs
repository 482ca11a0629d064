//! Namespaces that are looked up at the API server.

use crate::scenario::{answering, failure};
use futures::future::join_all;
use serde_json::json;
use sidecarset_webhook::{LiveNamespaces, NamespaceSource};

#[tokio::test(start_paused = true)]
async fn a_namespace_is_looked_up_once_for_all_reviews_that_wait_for_it() {
    let shop = json!({
        "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
        "metadata": {"name": "shop", "labels": {"team": "red"}},
    });
    let (client, asked) = answering(vec![(200, shop)]);
    let namespaces = LiveNamespaces::new(client);

    let found = join_all((0..10).map(|_| namespaces.labels("shop"))).await;

    assert!(found.into_iter().all(|labels| labels.unwrap()["team"] == "red"));
    assert_eq!(asked.await.unwrap()[0].0, "GET /api/v1/namespaces/shop");
}

#[tokio::test(start_paused = true)]
async fn each_namespace_is_looked_up_by_itself_and_each_time_anew() {
    let (client, asked) =
        answering(vec![failure(404, "NotFound"), failure(404, "NotFound"), failure(403, "Forbidden")]);
    let namespaces = LiveNamespaces::new(client);

    let mut told = Vec::new();
    for name in ["shop", "mill", "shop"] {
        told.push(namespaces.labels(name).await.unwrap_err().to_string());
    }

    assert_eq!(told, ["there is no such namespace", "there is no such namespace", "the namespace could not be read"]);
    let asked: Vec<_> = asked.await.unwrap().into_iter().map(|(what, _)| what).collect();
    assert_eq!(asked, ["GET /api/v1/namespaces/shop", "GET /api/v1/namespaces/mill", "GET /api/v1/namespaces/shop"]);
}
