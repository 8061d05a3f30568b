//! Letters given to the post office, and what arrives: in a folder, at a mail server, at Mailgun.

mod folder;
mod hostile;
mod letters;
mod mailgun;
mod scratch;
mod server;
mod settings;
mod shapes;
mod smtp;
mod threads;
mod tls;
