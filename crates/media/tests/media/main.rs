//! Pictures from outside: what goes in, what comes out, and what is left where they are kept.

mod bucket;
mod busy;
mod cut;
mod desk;
mod folder;
mod hosted;
mod hostile;
mod moving;
mod peer;
mod phone;
mod s3_server;
mod scratch;
mod written;
