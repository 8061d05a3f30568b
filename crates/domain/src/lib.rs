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

/// An enum each of whose variants has a word, in reports and in what is kept of them: the list of all, the
/// word of one, and the one of a word.
#[macro_export]
macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$each])* $variant,)*
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its word in reports.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Reads [`as_str`](Self::as_str)'s word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().find(|it| it.as_str() == word).copied()
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
