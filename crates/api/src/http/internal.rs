//! What programs of the platform tell: who people are, what happens to bookings, whom to forget.
//! People never get here, and neither do pages: there are no CORS headers.

mod appointments;
mod erasures;
pub(crate) mod openapi;
mod participants;
mod program;
mod schema;

use actix_web::{
    middleware::from_fn,
    web::{self, ServiceConfig, delete, get, post, put},
};

use super::{no_such_route, throttle::throttle_programs};

/// Every route for programs.
pub(super) fn configure(config: &mut ServiceConfig) {
    let internal = web::scope("/internal")
        .route("/participants/{id}", put().to(participants::put_one))
        .route("/participants/{id}", delete().to(erasures::request))
        .route("/participants:batch", post().to(participants::put_many))
        .route("/erasures/{id}", get().to(erasures::receipt))
        .route("/appointments/events", post().to(appointments::receive))
        .default_service(web::to(no_such_route))
        .wrap(from_fn(throttle_programs));
    config.service(internal);
}

#[cfg(test)]
mod tests;
