// The examples of the README use the fakes of the feature `testing`.
#![cfg_attr(feature = "testing", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "testing"),
    doc = "What a salon and its client may say to each other, and what everyone else may not see. \
           Enter through [`Messaging`]; the README shows how."
)]
#![deny(missing_docs)]

/// Implements `Debug` with the type name only: services have nothing to show, and names and texts
/// of people must not be logged.
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

/// An enum whose variants have a stable word, for reports and storage: a list of all variants, the
/// word of one, and a parser.
#[macro_export]
macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$each])* $variant,)*
        }

        impl $name {
            /// All variants.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The variant's word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Parses the word of [`as_str`](Self::as_str).
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().find(|variant| variant.as_str() == word).copied()
            }
        }
    };
}

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
