//! Reads what came out, by other eyes than those that let it in.

use super::WORDS;

/// What the bytes hold beside a picture: every part that no viewer needs, and every word of
/// [`phone_photo`](super::phone_photo) wherever it stands. Empty when nothing is left.
pub fn leftovers(bytes: &[u8]) -> Vec<String> {
    let parts = match bytes {
        [0xff, 0xd8, rest @ ..] => in_jpeg(rest),
        [0x89, b'P', b'N', b'G', _, _, _, _, rest @ ..] => in_png(rest),
        [b'R', b'I', b'F', b'F', rest @ ..] => in_webp(rest),
        [b'G', b'I', b'F', ..] => in_gif(bytes),
        _ => None,
    };
    let mut left = parts.unwrap_or_else(|| vec!["it cannot be read".to_owned()]);
    let holds = |word: &&&str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    left.extend(WORDS.iter().filter(holds).map(|word| format!("the word {word}")));
    left
}

fn in_jpeg(mut rest: &[u8]) -> Option<Vec<String>> {
    let mut left = Vec::new();
    loop {
        let [0xff, marker, behind @ ..] = rest else { return None };
        if *marker == 0xd9 {
            left.extend(trailing(behind));
            return Some(left);
        }
        let len = usize::from(u16::from_be_bytes(*behind.first_chunk()?));
        let data = behind.get(2..len)?;
        let needed = match marker {
            0xc0..=0xc2 | 0xc4 | 0xda | 0xdb | 0xdd => true,
            0xe0 => data.starts_with(b"JFIF\0") && data.len() == 14,
            0xe2 => data.starts_with(b"ICC_PROFILE\0\x01\x01") && has_no_leftovers(&data[14..]),
            0xee => data.starts_with(b"Adobe") && data.len() == 12,
            _ => false,
        };
        if !needed {
            left.push(format!("segment {marker:02x} of {} bytes", data.len()));
        }
        rest = &behind[len..];
        if *marker == 0xda {
            let ends = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7);
            rest = &rest[rest.windows(2).position(ends)?..];
        }
    }
}

fn in_png(mut rest: &[u8]) -> Option<Vec<String>> {
    const NEEDED: [(&[u8; 4], usize); 9] = [
        (b"IHDR", 13),
        (b"PLTE", 768),
        (b"tRNS", 256),
        (b"gAMA", 4),
        (b"cHRM", 32),
        (b"sRGB", 1),
        (b"iCCP", 8_192),
        (b"IDAT", usize::MAX),
        (b"IEND", 0),
    ];
    let mut left = Vec::new();
    loop {
        let len = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        let name: &[u8; 4] = rest.get(4..)?.first_chunk()?;
        rest = rest.get(12 + len..)?;
        if !NEEDED.iter().any(|(needed, longest)| *needed == name && len <= *longest) {
            left.push(format!("chunk {} of {len} bytes", name.escape_ascii()));
        }
        if name == b"IEND" {
            left.extend(trailing(rest));
            return Some(left);
        }
    }
}

fn in_webp(rest: &[u8]) -> Option<Vec<String>> {
    let len = u32::from_le_bytes(*rest.first_chunk()?) as usize;
    let mut chunks = rest.get(8..4 + len)?;
    let mut left = Vec::from_iter(trailing(&rest[4 + len..]));
    while !chunks.is_empty() {
        let name: &[u8; 4] = chunks.first_chunk()?;
        let len = u32::from_le_bytes(*chunks.get(4..)?.first_chunk()?) as usize;
        let data = chunks.get(8..8 + len)?;
        let needed = match name {
            b"VP8 " | b"VP8L" | b"VP8X" | b"ALPH" | b"ANIM" | b"ANMF" => true,
            b"ICCP" => has_no_leftovers(data),
            _ => false,
        };
        if !needed {
            left.push(format!("chunk {} of {len} bytes", name.escape_ascii()));
        }
        chunks = chunks.get(8 + len + len % 2..)?;
    }
    Some(left)
}

fn in_gif(file: &[u8]) -> Option<Vec<String>> {
    let palette = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut left = Vec::new();
    let mut rest = file.get(13 + palette(*file.get(10)?)..)?;
    loop {
        match rest {
            [0x3b, behind @ ..] => {
                left.extend(trailing(behind));
                return Some(left);
            }
            [0x21, label, behind @ ..] => {
                let repeats = behind.starts_with(b"\x0bNETSCAPE2.0\x03\x01");
                if *label != 0xf9 && !(*label == 0xff && repeats) {
                    left.push(format!("extension {label:02x}"));
                }
                rest = behind_blocks(behind)?;
            }
            [0x2c, behind @ ..] => {
                rest = behind_blocks(behind.get(10 + palette(*behind.get(8)?)..)?)?;
            }
            _ => return None,
        }
    }
}

fn behind_blocks(mut rest: &[u8]) -> Option<&[u8]> {
    while let (len @ 1.., behind) = rest.split_first().map(|(len, behind)| (*len, behind))? {
        rest = behind.get(usize::from(len)..)?;
    }
    rest.get(1..)
}

/// Whether a colour profile names nobody: no maker, no model, no creator, and no word of its own.
fn has_no_leftovers(profile: &[u8]) -> bool {
    let zero =
        |bytes: Option<&[u8]>| bytes.is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0));
    let words = [b"Disp".as_slice(), b"D\0i\0s\0p", b"Copyright"];
    zero(profile.get(48..56))
        && zero(profile.get(80..128))
        && !words.iter().any(|word| profile.windows(word.len()).any(|window| window == *word))
}

fn trailing(rest: &[u8]) -> Option<String> {
    (!rest.is_empty()).then(|| format!("{} bytes behind the picture", rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{animated_gif, phone_photo, png_with_words, turned_webp};

    #[test]
    fn whatever_is_put_in_is_found() {
        let cases: [(Vec<u8>, &[&str]); 4] = [
            (
                phone_photo(),
                &[
                    "segment e1",
                    "segment ed",
                    "segment fe",
                    "segment e2",
                    "bytes behind",
                    "word SERIAL-",
                ],
            ),
            (
                png_with_words(),
                &["tEXt", "zTXt", "iTXt", "tIME", "eXIf", "gAMA", "bytes behind", "word Camille"],
            ),
            (turned_webp(), &["EXIF", "XMP ", "bytes behind", "word Stadtplan"]),
            (animated_gif(), &["extension fe", "extension ff", "bytes behind", "word Kommentar"]),
        ];
        for (bytes, parts) in cases {
            let left = leftovers(&bytes).join("\n");
            for part in parts {
                assert!(left.contains(part), "{part} is not in:\n{left}");
            }
        }
    }
}
