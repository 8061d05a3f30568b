//! Who may do what, on REST and on sockets, against the real server: every command and every caller.
//! A refused call must change nothing, and nobody receives an event of a conversation that is not theirs.

mod callers;
mod internal;
mod mail;
mod rest;
mod sockets;
mod table;
