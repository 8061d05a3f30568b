// The example of the README stands on the fakes: without them it could not be tested.
#![cfg_attr(feature = "testing", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "testing"),
    doc = "What a salon and its client may say to each other, and what everyone else may not see. \
           Enter through [`Messaging`]; the README shows how."
)]
#![deny(missing_docs)]

/// `Debug` that names a type and shows nothing of it: services are made of ports, which have nothing to
/// show, and what people are called or write is for no log.
macro_rules! opaque_debug {
    ($name:ident $(<$lifetime:lifetime>)?) => {
        impl std::fmt::Debug for $name $(<$lifetime>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use opaque_debug;

pub mod appointments;
pub mod conversation;
pub mod ids;
pub mod import;
pub mod jobs;
pub mod mail;
pub mod messaging;
pub mod page;
pub mod participant;
pub mod ports;
pub mod privacy;
pub mod retention;
pub mod services;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod time;

pub use conversation::uploads::Uploads;
pub use jobs::worker::Worker;
pub use mail::service::Mailing;
pub use messaging::Messaging;
pub use services::Services;
