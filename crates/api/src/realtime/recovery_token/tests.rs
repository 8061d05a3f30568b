use domain::{
    ids::{ConversationId, Seq},
    testing::fixture::{FixedClock, user},
};
use proptest::prelude::*;

use super::*;
use crate::realtime::subscriptions::Subscription;

fn key(secret: &str) -> RecoveryKey {
    RecoveryKey::derived_from(secret.as_bytes())
}

fn room(id: &str, told: i64, visible: bool) -> Subscription {
    let conversation = ConversationId::parse(id).expect("a good id");
    Subscription { conversation, visible, told: Seq::new(told).expect("not negative") }
}

fn ticket(secret: &str, socket_id: &str, who: &str) -> RecoveryTokenIssuer {
    RecoveryTokenIssuer::new(key(secret), socket_id, user(who), Arc::new(FixedClock::ticking()))
}

/// What a client that was given these would present.
fn request(pid: &str, offset: &str) -> RecoveryRequest {
    serde_json::from_value(serde_json::json!({ "pid": pid, "offset": offset })).expect("sound")
}

fn rooms() -> impl Strategy<Value = Vec<Subscription>> {
    let uuid = any::<u128>().prop_map(|bits| Uuid::from_u128(bits).to_string());
    let id = prop_oneof![uuid, "[A-Za-z0-9_-]{1,64}"];
    let one = (id, 0..=i64::MAX >> 1, any::<bool>());
    prop::collection::vec(one.prop_map(|(id, told, visible)| room(&id, told, visible)), 0..=8)
}

proptest! {
    #[test]
    fn what_was_written_is_read_again(rooms in rooms(), seconds in 0_i64..4_000_000_000) {
        let ticket = ticket("a", "sid", "u1");
        let at = Timestamp::from_millis(seconds * 1_000).expect("in range");
        let subscriptions = Subscriptions::new(rooms);
        let request = request(&ticket.pid(), &ticket.offset_as_of(&subscriptions, at));
        let claim = VerifiedRecovery::check(&key("a"), &user("u1"), &request);
        prop_assert_eq!(claim, Some(VerifiedRecovery { socket_id: "sid".to_owned(), at, subscriptions }));
    }

    #[test]
    fn what_was_touched_is_not_read(rooms in rooms(), place in any::<prop::sample::Index>(), bit in 0..8_u32) {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
        let ticket = ticket("a", "sid", "u1");
        let offset = ticket.offset(&Subscriptions::new(rooms));
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(&offset).expect("ours");
        let place = place.index(bytes.len());
        bytes[place] ^= 1_u8 << bit;
        let touched = request(&ticket.pid(), &BASE64_URL_SAFE_NO_PAD.encode(bytes));
        prop_assert_eq!(VerifiedRecovery::check(&key("a"), &user("u1"), &touched), None);
    }

    #[test]
    fn nothing_that_a_client_makes_up_is_read(pid in ".{1,200}", offset in ".{1,200}") {
        prop_assert_eq!(VerifiedRecovery::check(&key("a"), &user("u1"), &request(&pid, &offset)), None);
    }
}

#[test]
fn a_claim_is_its_owner_s_and_of_one_session() {
    let subscriptions = Subscriptions::new(vec![room("c1", 7, true)]);
    let own = ticket("a", "sid", "u1");
    let good = request(&own.pid(), &own.offset(&subscriptions));
    let is_good = |secret, who| VerifiedRecovery::check(&key(secret), &user(who), &good).is_some();
    assert!(is_good("a", "u1"));
    assert!(!is_good("a", "u2"));
    assert!(!is_good("b", "u1"));
    let other = ticket("a", "other", "u1");
    let mixed = request(&other.pid(), &own.offset(&subscriptions));
    assert_eq!(VerifiedRecovery::check(&key("a"), &user("u1"), &mixed), None);
    let swapped = request(&own.offset(&subscriptions), &own.pid());
    assert_eq!(VerifiedRecovery::check(&key("a"), &user("u1"), &swapped), None);
}

#[test]
fn a_session_in_too_many_rooms_has_an_offset_that_leads_nowhere() {
    let own = ticket("a", "sid", "u1");
    let rooms = |count: usize| {
        let rooms = (0..count).map(|number| room(&format!("c{number}"), 1, true)).collect();
        Subscriptions::new(rooms)
    };
    let claim = |count| {
        let request = request(&own.pid(), &own.offset(&rooms(count)));
        VerifiedRecovery::check(&key("a"), &user("u1"), &request)
    };
    assert!(claim(ROOMS_MAX).is_some());
    assert_eq!(claim(ROOMS_MAX + 1), None);
}

#[test]
fn an_offset_is_short() {
    let own = ticket("a", "0123456789abcdefghij", "u1");
    let rooms: Vec<_> = (0..ROOMS_MAX)
        .map(|number| room(&Uuid::from_u128(number as u128).to_string(), 100, true))
        .collect();
    for count in [0, 1, 2, ROOMS_MAX] {
        let offset = own.offset(&Subscriptions::new(rooms[..count].to_vec()));
        println!("{count} rooms: {} bytes", offset.len());
        assert!(offset.len() <= 40 + 26 * count, "{offset}");
    }
    println!("pid: {} bytes", own.pid().len());
}

#[test]
fn what_clients_carry_stays_good_whatever_signs_new_ones() {
    let (pid, offset) = ("AXMx_MZUnpDle9MUZmxLfqLX2Q", "AYCkp9oGAnQxC-gt6JS3BkmJYpJLsy-lTL0");
    let read = VerifiedRecovery::check(&key("secret"), &user("c1"), &request(pid, offset));
    let at = Timestamp::from_millis(1_800_000_000_000).expect("in range");
    let subscriptions = Subscriptions::new(vec![room("t1", 5, true)]);
    let expected = VerifiedRecovery { socket_id: "s1".to_owned(), at, subscriptions };
    assert_eq!(read, Some(expected));
    let again = ticket("secret", "s1", "c1");
    let subscriptions = Subscriptions::new(vec![room("t1", 5, true)]);
    assert_eq!(
        (again.pid().as_str(), again.offset_as_of(&subscriptions, at).as_str()),
        (pid, offset)
    );
}
