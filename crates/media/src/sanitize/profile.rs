//! Colour profiles (ICC.1), rebuilt from their numbers.
//!
//! A photo of a phone looks pale without its profile, and a profile may name the screen, its maker and its serial number.
//! So curves and primaries are copied and all texts are dropped. Profiles that consist of tables (printers, scanners) are
//! dropped: such a picture counts as sRGB.

use super::input::Input;

/// The maximum size of a profile, in bytes. Those of phones and cameras have 400 to 4,000.
pub(super) const PROFILE_MAX_BYTES: usize = 64 * 1024;

const HEADER_BYTES: usize = 128;
const TAGS_MAX: u32 = 64;
/// The maximum number of points of a curve.
const POINTS_MAX: u32 = 4_096;
/// The white point of all profiles (D50), which the format requires in each.
const WHITE_D50: [u8; 12] = [0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d];

/// The colour channels of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channels {
    Grey,
    Rgb,
}

impl Channels {
    fn name(self) -> &'static [u8; 4] {
        match self {
            Self::Grey => b"GRAY",
            Self::Rgb => b"RGB ",
        }
    }

    /// The required tags.
    fn required_tags(self) -> &'static [&'static [u8; 4]] {
        match self {
            Self::Grey => &[b"kTRC"],
            Self::Rgb => &[b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"],
        }
    }
}

/// A colour profile without texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile(Vec<u8>);

impl Profile {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A new profile with the numbers of `profile`. `None` if it is damaged, for other channels, or made of tables.
    pub(super) fn rebuilt(profile: &[u8], channels: Channels) -> Option<Self> {
        if profile.len() > PROFILE_MAX_BYTES {
            return None;
        }
        let header: &[u8; HEADER_BYTES] = profile.first_chunk()?;
        let fits = &header[36..40] == b"acsp"
            && &header[16..20] == channels.name()
            && &header[20..24] == b"XYZ "
            && matches!(header[8], 2 | 4);
        let tags = fits.then(|| numeric_tags(profile))??;
        let complete =
            channels.required_tags().iter().all(|name| tags.iter().any(|tag| tag.0 == **name));
        complete.then(|| Self(assemble(header[8], channels, &tags)))
    }
}

/// A name and its data.
type Tag<'a> = ([u8; 4], &'a [u8]);

/// The tags that contain only numbers.
fn numeric_tags(profile: &[u8]) -> Option<Vec<Tag<'_>>> {
    let mut table = Input::new(&profile[HEADER_BYTES..]);
    let count = table.u32_be().ok().filter(|count| *count <= TAGS_MAX)?;
    let mut tags = Vec::new();
    for _ in 0..count {
        let name = table.array().ok()?;
        let from = table.u32_be().ok()? as usize;
        let len = table.u32_be().ok()? as usize;
        let data = profile.get(from..from.checked_add(len)?)?;
        if let Some(len) = numeric_len(name, data) {
            tags.push((name, &data[..len]));
        }
    }
    Some(tags)
}

/// The length of a numeric tag by its own header; `None` for other tags.
fn numeric_len(name: [u8; 4], data: &[u8]) -> Option<usize> {
    let len = match (&name, data.first_chunk()?) {
        (b"rXYZ" | b"gXYZ" | b"bXYZ" | b"wtpt", b"XYZ ") => 20,
        (b"rTRC" | b"gTRC" | b"bTRC" | b"kTRC", kind) => curve_len(*kind, data)?,
        (b"chad", b"sf32") => 44,
        _ => return None,
    };
    (len <= data.len()).then_some(len)
}

fn curve_len(kind: [u8; 4], data: &[u8]) -> Option<usize> {
    let head: [u8; 4] = *data.get(8..)?.first_chunk()?;
    match &kind {
        b"curv" => {
            let points = Some(u32::from_be_bytes(head)).filter(|points| *points <= POINTS_MAX)?;
            Some(12 + 2 * points as usize)
        }
        b"para" => {
            [16, 24, 28, 32, 40].get(usize::from(u16::from_be_bytes([head[0], head[1]]))).copied()
        }
        _ => None,
    }
}

fn assemble(version: u8, channels: Channels, tags: &[Tag<'_>]) -> Vec<u8> {
    let texts = if version == 2 { [described(), plain()] } else { [localised(), localised()] };
    let mut all: Vec<Tag<'_>> = vec![(*b"desc", &texts[0]), (*b"cprt", &texts[1])];
    all.extend_from_slice(tags);
    let mut table = number(all.len()).to_vec();
    let mut data = Vec::new();
    let from = HEADER_BYTES + 4 + 12 * all.len();
    for (name, tag) in all {
        table.extend_from_slice(&name);
        table.extend_from_slice(&number(from + data.len()));
        table.extend_from_slice(&number(tag.len()));
        data.extend_from_slice(tag);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    let header = header(from + data.len(), version, channels);
    [header.as_slice(), &table, &data].concat()
}

fn header(len: usize, version: u8, channels: Channels) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..4].copy_from_slice(&number(len));
    header[8] = version;
    header[12..16].copy_from_slice(b"mntr");
    header[16..20].copy_from_slice(channels.name());
    header[20..24].copy_from_slice(b"XYZ ");
    // The first of January 2000: the format requires a date.
    header[24..30].copy_from_slice(&[7, 0xd0, 0, 1, 0, 1]);
    header[36..40].copy_from_slice(b"acsp");
    header[68..80].copy_from_slice(&WHITE_D50);
    header
}

fn number(number: usize) -> [u8; 4] {
    u32::try_from(number).expect("a profile is small").to_be_bytes()
}

/// A description in version 2: "c", and none in two further scripts.
fn described() -> Vec<u8> {
    let mut name = b"desc\0\0\0\0\0\0\0\x02c\0".to_vec();
    name.resize(name.len() + 78, 0);
    name
}

/// A text in version 2: "c".
fn plain() -> Vec<u8> {
    b"text\0\0\0\0c\0".to_vec()
}

/// A text in version 4: "c", in English.
fn localised() -> Vec<u8> {
    b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS\0\0\0\x02\0\0\0\x1c\0c".to_vec()
}

#[cfg(test)]
mod tests {
    use moxcms::ColorProfile;

    use super::*;

    fn display_p3() -> Vec<u8> {
        ColorProfile::new_display_p3().encode().expect("a known profile")
    }

    #[test]
    fn a_rebuilt_profile_means_the_same_colours() {
        let before = display_p3();
        let after = Profile::rebuilt(&before, Channels::Rgb).expect("made of numbers");
        let read = |bytes: &[u8]| ColorProfile::new_from_slice(bytes).expect("readable");
        let (before, after) = (read(&before), read(after.as_bytes()));
        assert_eq!(after.rgb_to_xyz_matrix(), before.rgb_to_xyz_matrix());
        assert_eq!(after.red_trc, before.red_trc);
    }

    #[test]
    fn rebuilding_is_done_once() {
        let once = Profile::rebuilt(&display_p3(), Channels::Rgb).expect("made of numbers");
        assert_eq!(Profile::rebuilt(once.as_bytes(), Channels::Rgb), Some(once));
    }

    #[test]
    fn the_texts_of_a_profile_are_dropped() {
        let mut named = display_p3();
        named[48..56].copy_from_slice(b"MAKEMODL");
        named[80..84].copy_from_slice(b"MADE");
        let after = Profile::rebuilt(&named, Channels::Rgb).expect("made of numbers");
        for word in [b"MAKE", b"MODL", b"MADE", b"Disp"] {
            assert!(!after.as_bytes().windows(4).any(|window| window == word));
        }
    }

    #[test]
    fn what_is_no_profile_of_these_channels_is_dropped() {
        let good = display_p3();
        assert_eq!(Profile::rebuilt(&good, Channels::Grey), None);
        assert_eq!(Profile::rebuilt(&[], Channels::Rgb), None);
        assert_eq!(Profile::rebuilt(&vec![0; PROFILE_MAX_BYTES + 1], Channels::Rgb), None);
        let mut absurd = good.clone();
        absurd[128..132].copy_from_slice(&[0xff; 4]);
        assert_eq!(Profile::rebuilt(&absurd, Channels::Rgb), None);
        for len in 0..good.len() - 4 {
            // It may lose its last texts, but nothing else, and must not panic.
            let short = Profile::rebuilt(&good[..len], Channels::Rgb);
            assert!(
                short.is_none_or(|short| Profile::rebuilt(&good, Channels::Rgb) == Some(short))
            );
        }
    }
}
