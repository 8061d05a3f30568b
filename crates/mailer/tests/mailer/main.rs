//! Emails given to the mailer, and what arrives: in a folder, at a mail server, at Mailgun.

mod emails;
mod folder;
mod hostile;
mod mailgun;
mod scratch;
mod server;
mod settings;
mod shapes;
mod smtp;
mod threads;
mod tls;
