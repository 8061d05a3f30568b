//! What programs of the platform tell: who people are, what happens to bookings, whom to forget, how long
//! things are kept.
//! People never get here, and neither do pages: there are no CORS headers.

mod appointments;
mod erasures;
pub(crate) mod openapi;
mod participants;
mod program;
mod retention;
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
        .route("/conversations", get().to(appointments::conversations))
        .route("/retention", get().to(retention::show))
        .route("/retention", put().to(retention::put))
        .route("/retention/salons/{id}", get().to(retention::show_salon))
        .route("/retention/salons/{id}", put().to(retention::put_salon))
        .route("/retention/salons/{id}", delete().to(retention::drop_salon))
        .route("/retention/holds/{id}", put().to(retention::hold))
        .route("/retention/holds/{id}", delete().to(retention::release))
        .default_service(web::to(no_such_route))
        .wrap(from_fn(throttle_programs));
    config.service(internal);
}

#[cfg(test)]
mod tests;
