//! E-mail notification preferences and muted conversations.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json},
};
use domain::ids::ConversationId;

use super::{
    context::Context,
    extract::{Body, Caller},
    schema,
};
use crate::{dto, error::Failure, input};

/// Changes the caller's notification preferences. Absent fields stay unchanged.
#[utoipa::path(
    patch, path = "/notification-preferences", tag = "preferences",
    operation_id = "changePreferences",
    request_body = schema::PreferenceChange,
    responses((status = 200, description = "The preferences", body = dto::Preferences)),
)]
#[tracing::instrument(name = "http.preferences.change", skip_all)]
pub(crate) async fn change(
    Caller(caller): Caller,
    body: Body,
    context: Data<Context>,
) -> Result<Json<dto::Preferences>, Failure> {
    let change = input::preference_change(&body.fields().await?)?;
    let preferences =
        context.services.preferences.change_preferences(&caller.user, &change).await?;
    Ok(Json(dto::Preferences::from(&preferences)))
}

/// Same as `PATCH`, for front ends that use `PUT`: absent fields stay unchanged here too.
#[utoipa::path(
    put, path = "/notification-preferences", tag = "preferences", operation_id = "putPreferences",
    request_body = schema::PreferenceChange,
    responses((status = 200, description = "The preferences", body = dto::Preferences)),
)]
pub(crate) async fn put(
    caller: Caller,
    body: Body,
    context: Data<Context>,
) -> Result<Json<dto::Preferences>, Failure> {
    change(caller, body, context).await
}

/// Stops notification mails to the caller about a conversation. Idempotent.
#[utoipa::path(
    post, path = "/notification-preferences/mute", tag = "preferences",
    operation_id = "muteConversation",
    request_body = schema::Mute,
    responses((status = 201, description = "The conversation is muted")),
)]
#[tracing::instrument(name = "http.preferences.mute", skip_all)]
pub(crate) async fn mute(
    Caller(caller): Caller,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let fields = body.fields().await?;
    let id = ConversationId::parse(input::muted_conversation(&fields)?);
    let id = id.map_err(|_| Failure::conversation_not_found())?;
    context.services.preferences.mute(&caller.user, &id).await?;
    Ok(HttpResponse::Created().finish())
}

/// Allows notification mails about a conversation again. Idempotent; unknown conversations are ignored.
#[utoipa::path(
    delete, path = "/notification-preferences/mute/{id}", tag = "preferences",
    operation_id = "unmuteConversation",
    params(("id" = String, Path, max_length = 64, description = "Conversation id.")),
    responses((status = 200, description = "The conversation is not muted")),
)]
#[tracing::instrument(name = "http.preferences.unmute", skip_all)]
pub(crate) async fn unmute(
    Caller(caller): Caller,
    request: HttpRequest,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let id = request.match_info().get("id").unwrap_or_default();
    // An impossible id cannot be muted.
    if let Ok(id) = ConversationId::parse(id) {
        context.services.preferences.unmute(&caller.user, &id).await?;
    }
    Ok(HttpResponse::Ok().finish())
}

/// Returns the caller's notification preferences; the defaults until they change them.
#[utoipa::path(
    get, path = "/notification-preferences", tag = "preferences", operation_id = "getPreferences",
    responses((status = 200, description = "The preferences", body = dto::Preferences)),
)]
#[tracing::instrument(name = "http.preferences.show", skip_all)]
pub(crate) async fn show(
    Caller(caller): Caller,
    context: Data<Context>,
) -> Result<Json<dto::Preferences>, Failure> {
    let preferences = context.services.preferences.preferences(&caller.user).await?;
    Ok(Json(dto::Preferences::from(&preferences)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Answer, TestApp, keys};

    const PREFERENCES: &str = "/notification-preferences";
    const MUTE: &str = "/notification-preferences/mute";

    /// An application, and the id of a conversation between `s1` and `c1`.
    async fn test_app() -> (TestApp, String) {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        let (_, id) = conversation.rsplit_once('/').expect("it ends with its id");
        let id = id.to_owned();
        (test_app, id)
    }

    async fn muted(test_app: &TestApp, who: &str) -> Value {
        test_app.get(PREFERENCES, who).await.json()["mutedConversations"].clone()
    }

    async fn mute(test_app: &TestApp, who: &str, id: &str) -> Answer {
        test_app.post(MUTE, who, json!({"conversationId": id})).await
    }

    #[actix_web::test]
    async fn preferences_are_the_defaults_until_changed() {
        let (test_app, _) = test_app().await;
        let first = test_app.get(PREFERENCES, "c1").await;
        assert_eq!(first.status, 200);
        let preferences = first.json();
        assert_eq!(
            keys(&preferences),
            [
                "createdAt",
                "emailFrequency",
                "emailNotificationsEnabled",
                "id",
                "mutedConversations",
                "updatedAt",
                "userId"
            ]
        );
        assert_eq!(preferences["userId"], "c1");
        assert_eq!(preferences["emailNotificationsEnabled"], true);
        assert_eq!(preferences["emailFrequency"], "IMMEDIATE");
        assert_eq!(preferences["mutedConversations"], json!([]));
        assert_eq!(test_app.get(PREFERENCES, "c1").await.json(), preferences);
    }

    #[actix_web::test]
    async fn a_change_by_either_method_is_answered_with_the_new_preferences() {
        let (test_app, _) = test_app().await;
        let body = json!({"emailNotificationsEnabled": false, "emailFrequency": "HOURLY"});
        let patched = test_app.patch(PREFERENCES, "c1", body).await;
        assert_eq!(patched.status, 200);
        assert_eq!(patched.json()["emailFrequency"], "HOURLY");
        let put = test_app.put(PREFERENCES, "c1", json!({"emailFrequency": "DAILY"})).await;
        assert_eq!(put.status, 200);
        let now = put.json();
        assert_eq!(
            (&now["emailFrequency"], &now["emailNotificationsEnabled"]),
            (&json!("DAILY"), &json!(false))
        );
        assert_eq!(test_app.get(PREFERENCES, "c1").await.json(), now);
        assert_eq!(test_app.get(PREFERENCES, "s1").await.json()["emailFrequency"], "IMMEDIATE");
    }

    #[actix_web::test]
    async fn quiet_hours_and_their_time_zone_can_be_set_and_removed() {
        let (test_app, _) = test_app().await;
        let quiet = json!({"from": "22:00", "to": "07:00"});
        let body = json!({"quietHours": quiet, "timeZone": "Indian/Reunion"});
        let set = test_app.patch(PREFERENCES, "c1", body).await.json();
        assert_eq!((&set["quietHours"], &set["timeZone"]), (&quiet, &json!("Indian/Reunion")));
        let body = json!({"quietHours": null, "timeZone": null});
        let gone = test_app.patch(PREFERENCES, "c1", body).await.json();
        assert!(gone.get("quietHours").is_none() && gone.get("timeZone").is_none(), "{gone}");
    }

    #[actix_web::test]
    async fn a_frequency_is_one_of_four_and_muted_conversations_are_not_set_here() {
        let (test_app, id) = test_app().await;
        for bad in [json!("WEEKLY"), json!("daily"), json!(""), json!(1), json!(["DAILY"])] {
            let refused = test_app.patch(PREFERENCES, "c1", json!({"emailFrequency": bad})).await;
            assert_eq!(refused.failure(), (400, "validation_failed".to_owned()), "{bad}");
        }
        let refused =
            test_app.patch(PREFERENCES, "c1", json!({"emailNotificationsEnabled": "no"})).await;
        let text = json!(["emailNotificationsEnabled must be a boolean value"]);
        assert_eq!(refused.json()["message"], text);
        test_app.patch(PREFERENCES, "c1", json!({"mutedConversations": [id]})).await;
        assert_eq!(muted(&test_app, "c1").await, json!([]));
    }

    #[actix_web::test]
    async fn a_conversation_is_muted_and_unmuted_by_its_own_people_each_for_themselves() {
        let (test_app, id) = test_app().await;
        for _ in 0..2 {
            let done = mute(&test_app, "c1", &id).await;
            assert_eq!((done.status.as_u16(), done.is_empty()), (201, true));
            assert_eq!(muted(&test_app, "c1").await, json!([id]));
        }
        assert_eq!(muted(&test_app, "s1").await, json!([]));
        for who in ["s1", "s2", "c2", "c1", "c1"] {
            let done = test_app.delete(&format!("{MUTE}/{id}"), who).await;
            assert_eq!((done.status.as_u16(), done.is_empty()), (200, true), "{who}");
            let left = if who == "c1" { json!([]) } else { json!([id]) };
            assert_eq!(muted(&test_app, "c1").await, left, "{who}");
        }
    }

    #[actix_web::test]
    async fn nobody_learns_from_muting_that_a_conversation_is_there() {
        let (test_app, id) = test_app().await;
        for (who, id) in
            [("s2", &*id), ("c2", &id), ("c1", "unknown"), ("c1", ""), ("c1", "../etc")]
        {
            let refused = mute(&test_app, who, id).await;
            assert_eq!(refused.failure(), (404, "conversation_not_found".to_owned()), "{who} {id}");
            assert_eq!(refused.json()["message"], "Conversation non trouvée");
        }
        for body in [json!({}), json!({"conversationId": null}), json!({"conversationId": 1})] {
            let refused = test_app.post(MUTE, "c1", body).await;
            assert_eq!(refused.json()["message"], json!(["conversationId must be a string"]));
        }
        assert_eq!(muted(&test_app, "c1").await, json!([]));
    }

    #[actix_web::test]
    async fn unmuting_an_impossible_id_succeeds() {
        let (test_app, _) = test_app().await;
        let odd = test_app.delete(&format!("{MUTE}/{}", "x".repeat(65)), "c1").await;
        assert_eq!((odd.status.as_u16(), odd.is_empty()), (200, true));
    }

    #[actix_web::test]
    async fn a_person_unknown_to_the_directory_has_no_preferences() {
        let (test_app, _) = test_app().await;
        let unknown = (404, "participant_not_found".to_owned());
        assert_eq!(test_app.get(PREFERENCES, "c9").await.failure(), unknown);
        assert_eq!(test_app.patch(PREFERENCES, "c9", json!({})).await.failure(), unknown);
    }

    #[actix_web::test]
    async fn nobody_sends_everybody_s_mail_at_once_any_more() {
        let (test_app, _) = test_app().await;
        for who in ["s1", "p1"] {
            let asked =
                test_app.post("/test/email-notifications/send-pending", who, json!({})).await;
            assert_eq!(asked.failure(), (404, "not_found".to_owned()), "{who}");
        }
    }
}
