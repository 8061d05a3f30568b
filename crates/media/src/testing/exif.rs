//! EXIF blocks (CIPA DC-008) as phones write them, and as nobody should.

const BYTES: u16 = 1;
const TEXT: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIO: u16 = 5;
const RAW: u16 = 7;

const HEADING: &[u8] = b"MM\0\x2a\0\0\0\x08";
const ORIENTATION: u16 = 0x0112;

struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    data: Vec<u8>,
}

fn entry(tag: u16, kind: u16, count: usize, data: impl Into<Vec<u8>>) -> Entry {
    Entry { tag, kind, count: u32::try_from(count).expect("small"), data: data.into() }
}

fn text(tag: u16, text: &str) -> Entry {
    entry(tag, TEXT, text.len() + 1, format!("{text}\0"))
}

fn pointer(tag: u16, to: usize) -> Entry {
    entry(tag, LONG, 1, u32::try_from(to).expect("small").to_be_bytes())
}

/// Says only how to turn the picture.
pub(super) fn orientation(value: u16) -> Vec<u8> {
    let turn = [entry(ORIENTATION, SHORT, 1, value.to_be_bytes())];
    [HEADING, &directory(HEADING.len(), &turn)].concat()
}

/// Who, when, where, with what, and how to turn it.
pub(super) fn of_a_phone(value: u16) -> Vec<u8> {
    let first = |exif, gps| {
        directory(
            HEADING.len(),
            &[
                text(0x010f, "Fernsprecher AG"),
                text(0x0110, "Modell Verraeter"),
                entry(ORIENTATION, SHORT, 1, value.to_be_bytes()),
                text(0x0132, "2026:08:14 18:30:00"),
                text(0x013b, "Camille Exemple"),
                pointer(0x8769, exif),
                pointer(0x8825, gps),
            ],
        )
    };
    let exif_at = HEADING.len() + first(0, 0).len();
    let exif = directory(
        exif_at,
        &[
            text(0x9003, "2026:08:14 18:30:00"),
            entry(0x927c, RAW, 24, *b"MakerNote-Geheimnummer-1"),
            text(0xa431, "SERIAL-0123456789"),
        ],
    );
    let gps_at = exif_at + exif.len();
    [HEADING, &first(exif_at, gps_at), &exif, &gps(gps_at)].concat()
}

/// The foot of the Eiffel Tower.
fn gps(at: usize) -> Vec<u8> {
    let degrees = |parts: [u32; 3]| {
        let ratios =
            parts.iter().flat_map(|part| [part.to_be_bytes(), 1_u32.to_be_bytes()].concat());
        ratios.collect::<Vec<u8>>()
    };
    directory(
        at,
        &[
            entry(0, BYTES, 4, [2, 3, 0, 0]),
            text(1, "N"),
            entry(2, RATIO, 3, degrees([48, 51, 30])),
            text(3, "E"),
            entry(4, RATIO, 3, degrees([2, 17, 40])),
        ],
    )
}

/// Offsets and counts beyond everything.
pub(super) fn absurd() -> Vec<u8> {
    let mut first = b"MM\0\x2a\xff\xff\xff\xf0".to_vec();
    first.extend_from_slice(&[0xff; 40]);
    first
}

/// A directory that starts at `at`, with what does not fit into its entries behind it.
fn directory(at: usize, entries: &[Entry]) -> Vec<u8> {
    let mut out = u16::try_from(entries.len()).expect("few").to_be_bytes().to_vec();
    let mut behind = Vec::new();
    let behind_at = at + 2 + 12 * entries.len() + 4;
    for entry in entries {
        out.extend_from_slice(&entry.tag.to_be_bytes());
        out.extend_from_slice(&entry.kind.to_be_bytes());
        out.extend_from_slice(&entry.count.to_be_bytes());
        if entry.data.len() <= 4 {
            let mut value = [0; 4];
            value[..entry.data.len()].copy_from_slice(&entry.data);
            out.extend_from_slice(&value);
        } else {
            let offset = u32::try_from(behind_at + behind.len()).expect("small");
            out.extend_from_slice(&offset.to_be_bytes());
            behind.extend_from_slice(&entry.data);
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&behind);
    out
}
