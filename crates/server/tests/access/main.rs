//! Who may do what, on REST and on sockets, against the real server: every command and every caller.
//! A refused call must change nothing, and nobody hears of a conversation that is not theirs.

mod cast;
mod internal;
mod mail;
mod rest;
mod sockets;
mod table;
