use serde_json::json;

use crate::testing::House;

const ALL: &str = "/internal/retention";
const S1: &str = "/internal/retention/salons/s1";

#[actix_web::test]
async fn a_policy_is_the_configured_one_until_somebody_puts_another() {
    let house = House::new().await;
    assert_eq!(house.get(ALL, "p1").await.json(), json!({"archiveAfterDays": 90}));
    for policy in
        [json!({"archiveAfterDays": 30, "deleteAfterDays": 365}), json!({"archiveAfterDays": 60})]
    {
        assert_eq!(house.put(ALL, "p1", policy.clone()).await.status, 204);
        assert_eq!(house.get(ALL, "p1").await.json(), policy);
    }
}

#[actix_web::test]
async fn a_salon_s_own_comes_and_goes() {
    let house = House::new().await;
    assert_eq!(house.get(S1, "p1").await.failure(), (404, "retention_not_found".to_owned()));
    for (said, shown) in [
        (json!({"legalHold": true}), json!({"legalHold": true})),
        (
            json!({"archiveAfterDays": 7, "deleteAfterDays": null}),
            json!({"archiveAfterDays": 7, "legalHold": false}),
        ),
    ] {
        assert_eq!(house.put(S1, "p1", said).await.status, 204);
        assert_eq!(house.get(S1, "p1").await.json(), shown);
    }
    for _ in 0..2 {
        assert_eq!(house.delete(S1, "p1").await.status, 204);
        assert_eq!(house.get(S1, "p1").await.status, 404);
    }
}

#[actix_web::test]
async fn what_is_no_policy_is_refused_with_its_reasons() {
    let house = House::new().await;
    for (path, body) in [
        (ALL, json!({})),
        (ALL, json!({"archiveAfterDays": 0})),
        (ALL, json!({"archiveAfterDays": "90"})),
        (ALL, json!({"archiveAfterDays": 1.5})),
        (ALL, json!({"archiveAfterDays": 4_294_967_386_u64})),
        (ALL, json!({"archiveAfterDays": 90, "deleteAfterDays": 29})),
        (S1, json!({"deleteAfterDays": 30})),
        (S1, json!({"legalHold": "yes"})),
        (S1, json!({"archiveAfterDays": 36_501})),
    ] {
        let refused = house.put(path, "p1", body.clone()).await;
        assert_eq!(refused.failure(), (400, "validation_failed".to_owned()), "{path} {body}");
    }
    assert_eq!(house.get(ALL, "p1").await.json(), json!({"archiveAfterDays": 90}));
    assert_eq!(house.get(S1, "p1").await.status, 404);
}

#[actix_web::test]
async fn a_conversation_is_held_and_released() {
    let house = House::new().await;
    let talk = house.talk().await;
    let id = talk.rsplit('/').next().expect("a path");
    let hold = format!("/internal/retention/holds/{id}");
    for _ in 0..2 {
        assert_eq!(house.put(&hold, "p1", json!({})).await.status, 204);
    }
    for _ in 0..2 {
        assert_eq!(house.delete(&hold, "p1").await.status, 204);
    }
    let nowhere = house.put("/internal/retention/holds/nowhere", "p1", json!({})).await;
    assert_eq!(nowhere.failure(), (404, "conversation_not_found".to_owned()));
}
