//! The row lock of a conversation, and the next position under it (D5).

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::Parties,
    ids::{ConversationId, UserId},
};

use crate::{
    error::{Class, Corrupt, Failure},
    row::IntoValue,
    schema::conversation,
};

/// Waits for the lock of a conversation, regardless of its participants. `false` when it does not
/// exist.
pub(crate) async fn lock_any(
    connection: &mut AsyncPgConnection,
    id: &ConversationId,
) -> Result<bool, Failure> {
    let found: Option<String> = conversation::table
        .find(id.as_str())
        .filter(conversation::deleted_at.is_null())
        .select(conversation::id)
        .for_no_key_update()
        .first(connection)
        .await
        .optional()?;
    Ok(found.is_some())
}

/// The two sides, from their columns.
pub(crate) fn parties_from(salon: &str, client: &str) -> Result<Parties, Failure> {
    Ok(Parties {
        salon: decoded("salon_id", UserId::parse(salon))?,
        client: decoded("client_id", UserId::parse(client))?,
    })
}

/// Decodes the value of `column`.
pub(crate) fn decoded<T>(column: &str, value: impl IntoValue<T>) -> Result<T, Failure> {
    let value = value.into_option();
    value.ok_or_else(|| Failure::new(Class::Internal, Corrupt(column.to_owned()).to_string()))
}
