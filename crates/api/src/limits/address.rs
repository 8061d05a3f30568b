use std::net::{IpAddr, Ipv4Addr};

use actix_web::dev::RequestHead;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Where `request` comes from: the peer, or with `hops` trusted proxies the address that the
/// outermost of them was called from. A header that says less than our proxies would have written
/// did not pass through them, so it counts for nothing.
pub(super) fn of(request: &RequestHead, hops: usize) -> IpAddr {
    let peer = request.peer_addr.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
    forwarded(request, hops).unwrap_or(peer)
}

/// The same for a connection that `peer` began, with one header `forwarded_for`.
pub(super) fn behind(peer: Option<IpAddr>, forwarded_for: Option<&str>, hops: usize) -> IpAddr {
    let seen = forwarded_for.and_then(|header| nth_from_the_end(&[header], hops));
    seen.or(peer).unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

fn forwarded(request: &RequestHead, hops: usize) -> Option<IpAddr> {
    let headers: Vec<&str> = request
        .headers()
        .get_all(FORWARDED_FOR)
        .map(|value| value.to_str())
        .collect::<Result<_, _>>()
        .ok()?;
    nth_from_the_end(&headers, hops)
}

/// What the proxy that is `hops` away wrote.
fn nth_from_the_end(headers: &[&str], hops: usize) -> Option<IpAddr> {
    let from_the_end = hops.checked_sub(1)?;
    let addresses = headers.iter().flat_map(|header| header.split(','));
    let address = addresses.collect::<Vec<_>>().into_iter().nth_back(from_the_end)?;
    address.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(hops: usize, headers: &[&str]) -> String {
        let mut request = TestRequest::default().peer_addr(([192, 0, 2, 9], 1_000).into());
        for header in headers {
            request = request.append_header((FORWARDED_FOR, *header));
        }
        of(request.to_http_request().head(), hops).to_string()
    }

    #[test]
    fn without_a_proxy_nobody_can_pass_for_another_address() {
        assert_eq!(seen(0, &["198.51.100.1"]), "192.0.2.9");
    }

    #[test]
    fn with_proxies_the_address_that_they_saw_counts_and_not_what_was_claimed_before() {
        assert_eq!(seen(1, &["203.0.113.7, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen(1, &["203.0.113.7", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen(2, &["203.0.113.7, 198.51.100.1, 10.0.0.1"]), "198.51.100.1");
    }

    #[test]
    fn a_connection_that_is_open_already_is_known_likewise() {
        let peer = "192.0.2.9".parse().ok();
        let seen = |hops, header| behind(peer, header, hops).to_string();
        assert_eq!(seen(0, Some("198.51.100.1")), "192.0.2.9");
        assert_eq!(seen(1, Some("203.0.113.7, 198.51.100.1")), "198.51.100.1");
        assert_eq!(seen(1, None), "192.0.2.9");
    }

    #[test]
    fn what_did_not_pass_our_proxies_is_known_by_its_peer() {
        assert_eq!(seen(1, &[]), "192.0.2.9");
        assert_eq!(seen(2, &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(seen(1, &["unknown"]), "192.0.2.9");
    }
}
