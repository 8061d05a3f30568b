//! Pictures from outside: what goes in, what comes out, and what is left where they are kept.

mod animated;
mod atomic;
mod bucket;
mod concurrency;
mod fake_server;
mod fixture;
mod folder;
mod hosted;
mod hostile;
mod phone;
mod s3_server;
mod temp_dir;
mod truncated;
