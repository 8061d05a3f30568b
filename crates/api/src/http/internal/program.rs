use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::ports::TokenError;

use crate::{
    failure::Failure,
    http::{Context, caller::bearer},
};

/// A program of the platform asks, by the token in `Authorization: Bearer …`. A person's token is
/// refused, whatever it says beside.
#[derive(Debug)]
pub(super) struct Program;

impl FromRequest for Program {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Program {
    fn of(request: &HttpRequest) -> Result<Self, Failure> {
        let context = Context::of(request)?;
        let token = bearer(request.headers()).ok_or(TokenError::Invalid)?;
        let program = context.callers.program(token)?;
        tracing::debug!(program.id = %program.user, "a program calls");
        Ok(Self)
    }
}
