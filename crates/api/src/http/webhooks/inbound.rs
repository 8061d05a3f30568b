use actix_web::{HttpResponse, web::Data};
use domain::mail::service::{MailReplies, ReplyByMailError};

use super::{
    form::{Fields, Form, log_refusal},
    mail::{Mail, NoReply},
};
use crate::{
    error::Failure,
    http::{context::Context, extract::run_to_completion},
    limits::Limits,
    mail::Stamp,
    texts,
};

/// Receives a reply by mail and posts it to its conversation, once, as the recipient of the original
/// mail. Attached files are dropped. No bounce is sent for a refused reply: the sender address may be
/// forged.
#[utoipa::path(
    post, path = "/webhooks/mailgun/inbound", tag = "mail", operation_id = "receiveMail",
    request_body(
        content = Object, content_type = "multipart/form-data",
        description = "A parsed mail as Mailgun forwards it; `application/x-www-form-urlencoded` is accepted too.",
    ),
    responses((status = 200, description = "The reply was posted")),
    security(()),
)]
#[tracing::instrument(name = "http.webhook.mail", skip_all)]
pub(crate) async fn inbound(form: Form, context: Data<Context>) -> Result<HttpResponse, Failure> {
    let fields = form.read().await?;
    let permit = context.admit_webhook(&stamp(&fields)).await?;
    let (replies, limits) = (context.services.replies.clone(), context.limits.clone());
    run_to_completion(async move {
        let posted = post(&replies, &limits, &fields).await;
        permit.settle(posted, Failure::is_temporary).await
    })
    .await?;
    Ok(HttpResponse::Ok().finish())
}

/// Absent parts become empty, which no signature matches.
fn stamp(fields: &Fields) -> Stamp<'_> {
    let part = |name| fields.get(name).unwrap_or_default();
    Stamp { timestamp: part("timestamp"), token: part("token"), signature: part("signature") }
}

async fn post(replies: &MailReplies, limits: &Limits, fields: &Fields) -> Result<(), Failure> {
    let mail = Mail::of(fields).map_err(|reason| {
        let (reason, text) = match reason {
            NoReply::Automatic => ("automatic", texts::REPLY_AUTOMATIC),
            NoReply::NoAddress => ("unknown_address", texts::REPLY_NO_ADDRESS),
            NoReply::UnreadableHeaders => ("unreadable", texts::REPLY_UNREADABLE),
        };
        log_refusal(reason);
        Failure::reply_refused(text)
    })?;
    let refused = |error| {
        if let Some(reason) = reason(&error) {
            log_refusal(reason);
        }
        Failure::from(error)
    };
    let reply = replies.check(&mail.reply()).await.map_err(refused)?;
    // Nobody can be told to write less, so the mail is to be brought again.
    limits.allow_send(reply.author()).map_err(Failure::not_now)?;
    let sent = replies.post(reply).await.map_err(refused)?;
    tracing::info!(
        replayed = sent.replayed,
        files_left_out = mail.files,
        "a reply by mail was posted"
    );
    Ok(())
}

/// The reason of a refusal for the log; `None` for a store error, which is logged as such.
fn reason(error: &ReplyByMailError) -> Option<&'static str> {
    match error {
        ReplyByMailError::UnknownAddress => Some("unknown_address"),
        ReplyByMailError::Expired => Some("expired"),
        ReplyByMailError::OtherSender => Some("other_sender"),
        ReplyByMailError::NoMessageId => Some("no_message_id"),
        ReplyByMailError::Empty => Some("empty"),
        ReplyByMailError::Contradicted => Some("contradicted"),
        ReplyByMailError::Gone => Some("gone"),
        ReplyByMailError::Store(_) => None,
    }
}

/// Reads a mail as far as that goes without its conversation. For fuzzing.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) async fn fuzz_mail(bytes: actix_web::web::Bytes, is_url_encoded: bool) {
    let Some(fields) = super::form::fuzz_fields(bytes, is_url_encoded).await else { return };
    let _any = stamp(&fields);
    if let Ok(mail) = Mail::of(&fields) {
        let _any = mail.reply();
    }
}
