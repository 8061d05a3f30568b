//! The body of a request, within its bound.

use actix_web::{
    http::StatusCode,
    web::{Bytes, BytesMut, Payload},
};
use futures_util::StreamExt as _;

use super::Rejection;

/// Reads it all, whatever its type is said to be.
pub(super) async fn read(mut payload: Payload, max_bytes: usize) -> Result<Bytes, Rejection> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Rejection::bad_request())?;
        if body.len().saturating_add(chunk.len()) > max_bytes {
            return Err(Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
