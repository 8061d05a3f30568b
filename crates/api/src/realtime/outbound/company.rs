//! Who can be reached and who is writing: what no log holds, and what may be lost.

use serde::Serialize;
use utoipa::ToSchema;

/// Somebody this person talks with came online.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct UserOnline<'a> {
    pub(in super::super) user_id: &'a str,
    pub(in super::super) user_name: &'a str,
}

/// Somebody this person talks with went offline.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct UserOffline<'a> {
    pub(in super::super) user_id: &'a str,
}

/// Everyone this person talks with who is online now.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct PresenceSnapshot<'a> {
    pub(in super::super) online: Vec<OnlinePerson<'a>>,
}

/// Somebody who is online.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct OnlinePerson<'a> {
    pub(in super::super) user_id: &'a str,
}

/// Somebody in the room writes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct UserTyping<'a> {
    pub(in super::super) conversation_id: &'a str,
    pub(in super::super) user_id: &'a str,
    pub(in super::super) user_name: &'a str,
}

/// Somebody in the room writes no longer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct UserStoppedTyping<'a> {
    pub(in super::super) conversation_id: &'a str,
    pub(in super::super) user_id: &'a str,
}
