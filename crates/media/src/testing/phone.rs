use image::imageops;
use moxcms::ColorProfile;

use super::{exif, jpeg, scene::scene};

/// What stands in clear in the photo and must not leave with it.
pub(super) const WORDS: [&str; 9] = [
    "Fernsprecher",
    "Verraeter",
    "Camille",
    "Geheimnummer",
    "SERIAL-",
    "Kommentar",
    "Stadtplan",
    "Bildunterschrift",
    "Bewegtbild",
];

/// A JPEG as a phone makes it, held upright: the sensor's lines run from top to bottom (orientation
/// 6), and it says where, when, by whom and with what it was taken, in EXIF with GPS and maker note,
/// XMP, IPTC and a comment, in the colours of a phone's screen, with a short film behind it.
pub fn phone_photo() -> Vec<u8> {
    let seen_by_the_sensor = imageops::rotate270(&scene()).into();
    let profile = ColorProfile::new_display_p3().encode().expect("a known profile");
    let mut segments = vec![
        jpeg::exif(&exif::of_a_phone(6)),
        jpeg::xmp("<x:xmpmeta xmlns:x='adobe:ns:meta/'>Stadtplan 48.8584,2.2945</x:xmpmeta>"),
        jpeg::segment(jpeg::APP13, b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\x10Bildunterschrift"),
        jpeg::segment(jpeg::COM, b"Kommentar"),
    ];
    segments.extend(jpeg::profile(&profile));
    let mut photo = jpeg::with_segments(&jpeg::encode(&seen_by_the_sensor), &segments);
    photo.extend_from_slice(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isomBewegtbild");
    photo
}
