use serde_json::json;

use crate::testing::{House, keys};

const C1: &str = "/internal/participants/c1";
const RECEIPT: &str = "/internal/erasures/c1";

#[actix_web::test]
async fn an_erasure_is_asked_for_once_and_its_receipt_kept() {
    let house = House::new().await;
    assert_eq!(house.get(RECEIPT, "p1").await.failure(), (404, "erasure_not_found".to_owned()));
    let first = house.delete(C1, "p1").await;
    assert_eq!(first.status, 202);
    let receipt = first.json();
    assert_eq!(keys(&receipt), ["conversations", "files", "id", "messages", "requestedAt"]);
    assert_eq!(receipt["id"], "c1");
    assert_eq!(house.delete(C1, "p1").await.json(), receipt);
    let shown = house.get(RECEIPT, "p1").await;
    assert_eq!((shown.status.as_u16(), shown.json()), (200, receipt));
    assert!(house.rings() > 0, "the rest is work");
}

#[actix_web::test]
async fn from_then_on_nobody_sees_the_name() {
    let house = House::new().await;
    let talk = house.talk().await;
    assert_eq!(house.delete(C1, "p1").await.status, 202);
    let seen = house.get(&talk, "s1").await.json();
    assert_eq!(seen["client"], json!({"id": "c1", "role": "client"}));
}

#[actix_web::test]
async fn people_nobody_knows_are_noted_as_well() {
    let house = House::new().await;
    assert_eq!(house.delete("/internal/participants/c9", "p1").await.status, 202);
    let put = house.put("/internal/participants/c9", "p1", json!({"role": "client"})).await;
    assert_eq!(put.status, 410);
    let refused = (400, "validation_failed".to_owned());
    assert_eq!(house.delete("/internal/participants/a%20b", "p1").await.failure(), refused);
    assert_eq!(house.get("/internal/erasures/a%20b", "p1").await.failure(), refused);
}
