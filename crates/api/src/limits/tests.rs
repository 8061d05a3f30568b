use super::*;

fn limits() -> Limits {
    let once = Some(Rate::new(1, 1));
    Limits::new(Settings {
        requests_per_address: once,
        sends_per_person: once,
        requests_per_person: None,
        ..Settings::default()
    })
}

fn user(id: &str) -> UserId {
    UserId::parse(id).expect("a good id")
}

#[test]
fn an_exceeded_limit_says_when_to_retry_and_does_not_affect_others() {
    let limits = limits();
    assert_eq!(limits.allow_send(&user("a")), Ok(()));
    let wait = limits.allow_send(&user("a")).expect_err("one too many").as_millis();
    assert!((50_000..=60_000).contains(&wait), "{wait}");
    assert_eq!(limits.allow_send(&user("b")), Ok(()));
}

#[test]
fn a_disabled_limit_is_unlimited() {
    let limits = limits();
    for _ in 0..10_000 {
        assert_eq!(limits.allow_request_of(&user("a")), Ok(()));
    }
}

#[test]
fn another_address_in_the_same_network_is_the_same_caller() {
    let limits = limits();
    let from = |text: &str| limits.allow_request_from(text.parse().expect("an address"));
    assert!(from("2001:db8::1").is_ok());
    assert!(from("2001:db8::2:1").is_err());
    assert!(from("2001:db8:0:1::1").is_ok());
    assert!(from("192.0.2.1").is_ok());
    assert!(from("::ffff:192.0.2.1").is_err());
    assert!(from("192.0.2.2").is_ok());
}
