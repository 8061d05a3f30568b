use serde_json::json;

use crate::testing::TestApp;

#[actix_web::test]
async fn either_side_changes_and_removes_the_subject() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let changed = test_app.patch(&conversation, "c1", json!({"subject": "Épaule"})).await;
    assert_eq!((changed.status.as_u16(), &changed.json()["subject"]), (200, &json!("Épaule")));
    let changed = test_app.patch(&conversation, "s1", json!({"subject": null})).await.json();
    assert_eq!(changed.get("subject"), None);
}

#[actix_web::test]
async fn an_edit_moves_no_conversation_up_the_list() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let before = test_app.get(&conversation, "s1").await.json();
    let after = test_app
        .patch(&conversation, "s1", json!({"subject": "x", "status": "ARCHIVED"}))
        .await
        .json();
    assert_eq!(after["status"], "ARCHIVED");
    assert_eq!(after["lastMessageAt"], before["lastMessageAt"]);
    assert_ne!(after["updatedAt"], before["updatedAt"]);
}

#[actix_web::test]
async fn nothing_to_change_changes_nothing() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let before = test_app.get(&conversation, "s1").await.json();
    let after = test_app.patch(&conversation, "s1", json!({"unknown": 1})).await;
    assert_eq!((after.status.as_u16(), after.json()), (200, before));
}

#[actix_web::test]
async fn the_status_is_the_salon_s_and_a_refused_change_changes_nothing() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let refused =
        test_app.patch(&conversation, "c1", json!({"subject": "x", "status": "ARCHIVED"})).await;
    assert_eq!(refused.failure(), (403, "salon_side_only".to_owned()));
    let text = "Seul le salon peut modifier le statut de la conversation";
    assert_eq!(refused.json()["message"], text);
    assert_eq!(test_app.get(&conversation, "c1").await.json().get("subject"), None);
}

#[actix_web::test]
async fn a_stranger_learns_nothing_from_a_bad_body() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let bad = || json!({"subject": 1});
    assert_eq!(
        test_app.patch(&conversation, "c1", bad()).await.failure(),
        (400, "validation_failed".to_owned())
    );
    let stranger = test_app.patch(&conversation, "s2", bad()).await;
    let nothing = test_app.patch("/messaging/conversations/none", "s2", bad()).await;
    assert_eq!(stranger.failure(), (404, "conversation_not_found".to_owned()));
    assert_eq!(stranger.text(), nothing.text());
}
