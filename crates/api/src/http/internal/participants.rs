#[cfg(test)]
mod tests;
use actix_web::{HttpResponse, web::Data};
use domain::{ids::UserId, participant::directory::PutParticipantsError};

use super::{Program, schema};
use crate::{
    error::Failure,
    http::{
        Context,
        extract::{Body, InPath},
    },
    input, texts,
};

/// Enters a person in the directory, or replaces all that it knows of them: what is left out is not
/// known any more.
#[utoipa::path(
    put, path = "/internal/participants/{id}", tag = "participants",
    operation_id = "putParticipant",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "The platform's id of the person.")),
    request_body = schema::Participant,
    responses((status = 204, description = "The directory says so")),
)]
#[tracing::instrument(name = "http.participant.put", skip_all, fields(user.id = %id.0))]
pub(crate) async fn put_one(
    _program: Program,
    id: InPath<UserId>,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let person = input::participant(id.0, &body.fields().await?)?;
    match context.services.directory.put_participants(&[person]).await {
        Ok(()) => Ok(HttpResponse::NoContent().finish()),
        Err(PutParticipantsError::Forgotten(_)) => {
            Err(Failure::erased(vec![texts::PARTICIPANT_ERASED]))
        }
        Err(error) => Err(error.into()),
    }
}

/// Enters or replaces up to 1,000 people: all of them or none.
#[utoipa::path(
    post, path = "/internal/participants:batch", tag = "participants",
    operation_id = "putParticipants",
    request_body = schema::Participants,
    responses((status = 204, description = "The directory says so")),
)]
#[tracing::instrument(name = "http.participant.put_many", skip_all)]
pub(crate) async fn put_many(
    _program: Program,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let body = body.of_at_most(context.settings.internal_body_max_bytes);
    let people = input::participants(&body.fields().await?)?;
    match context.services.directory.put_participants(&people).await {
        Ok(()) => Ok(HttpResponse::NoContent().finish()),
        Err(PutParticipantsError::Forgotten(forgotten)) => {
            let places = people.iter().enumerate().filter(|(_, one)| forgotten.contains(&one.id));
            let texts = places.map(|(index, _)| texts::ERASED_ID.of("participants", index));
            Err(Failure::erased(texts.collect()))
        }
        Err(error) => Err(error.into()),
    }
}
