// The example of the README stands on the fakes: without them it could not be tested.
#![cfg_attr(feature = "testing", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "testing"),
    doc = "What a salon and its client may say to each other, and what everyone else may not see. \
           Enter through [`Messaging`]; the README shows how."
)]
#![deny(missing_docs)]

pub mod appointment;
pub mod attachment;
pub mod audit;
pub mod caller;
pub mod conversation;
pub mod erasure;
pub mod event;
pub mod export;
pub mod id;
pub mod import;
pub mod job;
pub mod language;
pub mod mail;
pub mod message;
pub mod notice;
pub mod object;
pub mod page;
pub mod participant;
pub mod ports;
pub mod preference;
pub mod presence;
pub mod reading;
pub mod retention;
pub mod seq;
pub mod text;
pub mod time;
pub mod typing;
pub mod usecase;
pub mod zone;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use usecase::{Mailing, Messaging, Uploads, Worker};
