use domain::testing::fixture::FixedClock;

use super::*;

const LIFETIME_S: u32 = 3_600;

/// Links at 09:30:00, and the clock that they look at.
fn links(secret: &str) -> (Links, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::still());
    let settings = Settings {
        key: Some(LinkKey::derived_from(secret.as_bytes())),
        base_url: "https://messages.example/".to_owned(),
        lifetime_s: LIFETIME_S,
    };
    (Links::new(settings, clock.clone()), clock)
}

fn file(id: &str) -> AttachmentId {
    AttachmentId::parse(id).expect("a good id")
}

/// When a link ends, and its signature.
fn parts(link: &str) -> (u64, &str) {
    let (_, query) = link.split_once("?expires=").expect("it ends");
    let (expires_s, signature) = query.split_once("&signature=").expect("it is signed");
    (expires_s.parse().expect("a number"), signature)
}

#[test]
fn a_link_says_where_which_and_until_when() {
    let (links, _) = links("a");
    let link = links.to(&file("f1"), PictureForm::Thumbnail);
    let start =
        "https://messages.example/messaging/files/f1/thumbnail?expires=1767609000&signature=";
    assert!(link.starts_with(start), "{link}");
    let (expires_s, signature) = parts(&link);
    let rest_s = links.check(&file("f1"), PictureForm::Thumbnail, expires_s, signature);
    assert_eq!(rest_s, Ok(u64::from(LIFETIME_S)));
}

#[test]
fn a_link_stays_the_same_for_half_a_lifetime_and_is_good_for_a_whole_one() {
    let (links, clock) = links("a");
    clock.advance_millis(1_000);
    let first = links.to(&file("f1"), PictureForm::Full);
    clock.advance_millis(i64::from(LIFETIME_S) * 500 - 1_000);
    assert_eq!(links.to(&file("f1"), PictureForm::Full), first);
    clock.advance_millis(1_000);
    assert_ne!(links.to(&file("f1"), PictureForm::Full), first);
    for _ in 0..100 {
        clock.advance_millis(77_777);
        let link = links.to(&file("f1"), PictureForm::Full);
        let (expires_s, signature) = parts(&link);
        let rest_s =
            links.check(&file("f1"), PictureForm::Full, expires_s, signature).expect("good");
        let lifetime_s = u64::from(LIFETIME_S);
        assert!((lifetime_s..=lifetime_s * 3 / 2).contains(&rest_s), "{rest_s}");
    }
}

#[test]
fn a_link_ends_with_the_second_it_names() {
    let (links, clock) = links("a");
    let link = links.to(&file("f1"), PictureForm::Full);
    let (expires_s, signature) = parts(&link);
    let check = || links.check(&file("f1"), PictureForm::Full, expires_s, signature);
    clock.advance_millis(i64::from(LIFETIME_S) * 1_000 - 1);
    assert_eq!(check(), Ok(1));
    clock.advance_millis(1);
    assert_eq!(check(), Err(BadLink::Expired));
}

#[test]
fn a_link_that_was_changed_in_any_part_leads_nowhere() {
    let (own, clock) = links("a");
    let link = own.to(&file("f1"), PictureForm::Full);
    let (expires_s, signature) = parts(&link);
    let forged = Err(BadLink::Forged);
    assert_eq!(own.check(&file("f2"), PictureForm::Full, expires_s, signature), forged);
    assert_eq!(own.check(&file("f1"), PictureForm::Thumbnail, expires_s, signature), forged);
    assert_eq!(own.check(&file("f1"), PictureForm::Full, expires_s + 1, signature), forged);
    assert_eq!(links("b").0.check(&file("f1"), PictureForm::Full, expires_s, signature), forged);
    let (cut, padded) = (&signature[..signature.len() - 1], format!("{signature}="));
    for bad in ["", "A", "é", cut, &padded, &signature.to_lowercase()] {
        assert_eq!(own.check(&file("f1"), PictureForm::Full, expires_s, bad), forged, "{bad}");
    }
    // Nobody learns that a link was good once by changing it.
    clock.advance_millis(i64::from(LIFETIME_S) * 2_000);
    assert_eq!(own.check(&file("f2"), PictureForm::Full, expires_s, signature), forged);
}

#[test]
fn links_that_were_given_out_stay_good_whatever_signs_new_ones() {
    let (links, _) = links("secret");
    let expires_s = 1_800_000_000;
    for (form, signature) in [
        (PictureForm::Full, "U0WGmH1iJViRiZy1O10jEew7fJBWkRnOfT2o9iIw8Ss"),
        (PictureForm::Thumbnail, "8P3Zz1aJXUCNLMR9l8Q9Lu1E9T7vkyXTsW7iBQbto_M"),
    ] {
        assert!(links.check(&file("f1"), form, expires_s, signature).is_ok(), "{form:?}");
    }
    let archive = ObjectKey::parse("00000000-0000-0000-0000-000000000000/archive").expect("a key");
    let signature = "qxr1kQfCXZaQD3XWERbhxZPDk8ub_bIt02FwBDjNkdE";
    assert_eq!(links.check_archive(&archive, expires_s, signature), Ok(()));
}

#[test]
fn a_key_and_what_holds_it_hide_it() {
    let key = LinkKey::derived_from(b"planted-secret");
    assert_eq!(format!("{key:?}"), "LinkKey(***)");
    assert!(!format!("{:?} {:?}", links("planted").0, Settings::default()).contains("planted"));
}

#[test]
fn without_a_key_of_the_house_a_node_believes_only_itself() {
    let clock = Arc::new(FixedClock::still());
    let node = || Links::new(Settings::default(), clock.clone());
    let (one, other) = (node(), node());
    let link = one.to(&file("f1"), PictureForm::Full);
    assert!(link.starts_with("/messaging/files/f1/full?"), "{link}");
    let (expires_s, signature) = parts(&link);
    assert!(one.check(&file("f1"), PictureForm::Full, expires_s, signature).is_ok());
    let elsewhere = other.check(&file("f1"), PictureForm::Full, expires_s, signature);
    assert_eq!(elsewhere, Err(BadLink::Forged));
}
