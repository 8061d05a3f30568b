//! Why a socket ended.

use std::fmt;

/// Why a [`Socket`](crate::Socket) ended. Displays as the protocol's own words where it has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client left this namespace.
    ClientNamespaceDisconnect,
    /// The application disconnected this socket, or its whole session.
    ServerNamespaceDisconnect,
    /// The client closed the connection, or it simply ended.
    TransportClose,
    /// The connection broke, or the client broke the rules of its transport.
    TransportError,
    /// A ping was left unanswered.
    PingTimeout,
    /// The client sent what no client may send.
    ParseError,
    /// The client read too slowly and its mailbox overflowed.
    SlowReader,
    /// No namespace was connected in time.
    ConnectTimeout,
    /// The application could let nobody in at the moment, or took too long to decide.
    Unavailable,
    /// A handler of this session panicked.
    HandlerPanicked,
    /// The server is stopping.
    ServerShutdown,
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::SlowReader => "slow reader",
            Self::ConnectTimeout => "connect timeout",
            Self::Unavailable => "server unavailable",
            Self::HandlerPanicked => "forced server close",
            Self::ServerShutdown => "server shutting down",
        })
    }
}
