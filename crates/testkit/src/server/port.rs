//! Ports that nobody uses.

use std::{
    net::{Ipv4Addr, TcpListener},
    process,
    sync::atomic::{AtomicU16, Ordering},
};

use crate::Fault;

/// Below the range from which the system picks the near ends of outgoing connections: a server must
/// find its port again after a restart, however many clients are about.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;
/// What one process may use before it meets the next one's ports.
const STRIDE: u32 = 97;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port on which somebody may listen now.
pub(super) fn free() -> Result<u16, Fault> {
    for _ in 0..COUNT {
        let port = next();
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Fault::new("every port is taken"))
}

// Processes that run at the same time begin at different places.
fn next() -> u16 {
    let turn = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
    let place = process::id().wrapping_mul(STRIDE).wrapping_add(turn) % u32::from(COUNT);
    FIRST + u16::try_from(place).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ports_differ_and_lie_in_the_range() {
        let ports = [free().expect("a port"), free().expect("a port")];
        assert_ne!(ports[0], ports[1]);
        assert!(ports.iter().all(|port| (FIRST..FIRST + COUNT).contains(port)));
    }
}
