use super::{HEIC, HTML, PDF, SVG, TIFF, archive, exif, gif, jpeg, png, scene, scene_of, webp};

/// What becomes of a hostile file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It is no picture, or another kind than declared.
    TypeNotAllowed,
    /// It begins like a picture and is none.
    Unreadable,
    /// It has too many pixels, or frames.
    TooManyPixels,
    /// It has too many bytes.
    TooLarge,
    /// The picture in it is kept, and nothing else of it.
    Kept,
}

/// A file made to do harm.
#[derive(Clone, Copy, Debug)]
pub struct HostileFile {
    /// What is wrong with it.
    pub name: &'static str,
    /// What its sender calls it.
    pub file_name: &'static str,
    /// What its sender says it is.
    pub declared: &'static str,
    /// Makes its bytes.
    pub build: fn() -> Vec<u8>,
    /// What has to become of it.
    pub expected: Expected,
}

const JPEG: &str = "image/jpeg";
const PNG: &str = "image/png";
const GIF: &str = "image/gif";
const WEBP: &str = "image/webp";

const fn file(
    name: &'static str,
    file_name: &'static str,
    declared: &'static str,
    build: fn() -> Vec<u8>,
    expected: Expected,
) -> HostileFile {
    HostileFile { name, file_name, declared, build, expected }
}

/// The files, each with what has to become of it.
pub fn hostile_files() -> Vec<HostileFile> {
    [&disguised()[..], &broken(), &huge(), &loaded()].concat()
}

/// Declared type and bytes disagree.
fn disguised() -> [HostileFile; 9] {
    use Expected::TypeNotAllowed;
    [
        file("SVG disguised as PNG", "a.png", PNG, || SVG.to_vec(), TypeNotAllowed),
        file("HTML disguised as PNG", "a.png", PNG, || HTML.to_vec(), TypeNotAllowed),
        file("PDF disguised as JPEG", "a.jpg", JPEG, || PDF.to_vec(), TypeNotAllowed),
        file("ZIP disguised as GIF", "a.gif", GIF, archive, TypeNotAllowed),
        file("TIFF disguised as WebP", "a.webp", WEBP, || TIFF.to_vec(), TypeNotAllowed),
        file("HEIC disguised as JPEG", "a.jpg", JPEG, || HEIC.to_vec(), TypeNotAllowed),
        file("PNG declared as JPEG", "a.jpg", JPEG, || png::with_chunks(vec![]), TypeNotAllowed),
        file(
            "PNG declared as SVG",
            "a.svg",
            "image/svg+xml",
            || png::with_chunks(vec![]),
            TypeNotAllowed,
        ),
        file("SVG declared as SVG", "a.svg", "image/svg+xml", || SVG.to_vec(), TypeNotAllowed),
    ]
}

/// They begin well.
fn broken() -> [HostileFile; 12] {
    use Expected::Unreadable;
    [
        file("zero bytes", "a.jpg", JPEG, Vec::new, Unreadable),
        file("JPEG of three bytes", "a.jpg", JPEG, || vec![0xff, 0xd8, 0xff], Unreadable),
        file("JPEG cut in half", "a.jpg", JPEG, || cut(jpeg::encode(&scene())), Unreadable),
        file("PNG cut in half", "a.png", PNG, || cut(png::with_chunks(vec![])), Unreadable),
        file("GIF cut in half", "a.gif", GIF, || cut(gif::plain()), Unreadable),
        file("WebP cut in half", "a.webp", WEBP, || cut(webp::plain()), Unreadable),
        file("PNG with a flipped bit", "a.png", PNG, flipped, Unreadable),
        file(
            "JPEG without tables",
            "a.jpg",
            JPEG,
            || jpeg::without_tables(&jpeg::encode(&scene_of(64, 64))),
            Unreadable,
        ),
        file(
            "JPEG of 10,000 scans",
            "a.jpg",
            JPEG,
            || jpeg::with_scans(&jpeg::encode(&scene_of(64, 64)), 10_000),
            Unreadable,
        ),
        file(
            "JPEG of 1 kB for 7,000 x 7,000",
            "a.jpg",
            JPEG,
            || jpeg::with_size(&jpeg::encode(&scene_of(64, 64)), 7_000, 7_000),
            Unreadable,
        ),
        file("GIF frame outside of its screen", "a.gif", GIF, gif::outside, Unreadable),
        file(
            "WebP larger than its canvas",
            "a.webp",
            WEBP,
            webp::larger_than_its_canvas,
            Unreadable,
        ),
    ]
}

/// Small files that want a lot of memory or time.
fn huge() -> [HostileFile; 10] {
    use Expected::{Kept, TooLarge, TooManyPixels};
    [
        file(
            "PNG header of 50,000 x 50,000",
            "a.png",
            PNG,
            || png::file(50_000, 50_000, &[]),
            TooManyPixels,
        ),
        file("PNG bomb of 19,000 x 19,000", "a.png", PNG, || zeros(19_000, 1_084), TooManyPixels),
        file("PNG of 7,000 x 7,000 in 150 kB", "a.png", PNG, || zeros(7_000, 148), Kept),
        file(
            "JPEG header of 65,500 x 65,500",
            "a.jpg",
            JPEG,
            || jpeg::with_size(&jpeg::encode(&scene_of(64, 64)), 65_500, 65_500),
            TooManyPixels,
        ),
        file("GIF of 100,000 frames", "a.gif", GIF, || gif::frames(8, 100_000), TooManyPixels),
        file("GIF of 65,535 x 65,535", "a.gif", GIF, || gif::frames(65_535, 1), TooManyPixels),
        file(
            "WebP of 6 kB, 140 frames of 1,800 x 1,800",
            "a.webp",
            WEBP,
            || webp::plain_frames(1_800, 140),
            TooManyPixels,
        ),
        file(
            "GIF of 15 kB, 1,000 frames of 700 x 700",
            "a.gif",
            GIF,
            || gif::frames(700, 1_000),
            TooManyPixels,
        ),
        file(
            "JPEG of 99 scans of 7,000 x 7,000",
            "a.jpg",
            JPEG,
            || jpeg::progressive(7_000, 7_000, 99),
            TooManyPixels,
        ),
        file("100 MB", "a.jpg", JPEG, hundred_megabytes, TooLarge),
    ]
}

/// Real pictures that carry something.
fn loaded() -> [HostileFile; 8] {
    use Expected::Kept;
    [
        file("GIF that is an archive", "a.gif", GIF, || [gif::plain(), archive()].concat(), Kept),
        file(
            "JPEG that is an archive",
            "a.jpg",
            JPEG,
            || [jpeg::encode(&scene()), archive()].concat(),
            Kept,
        ),
        file(
            "JPEG that is a page",
            "a.jpg",
            JPEG,
            || jpeg::with_segments(&jpeg::encode(&scene()), &[jpeg::segment(jpeg::COM, HTML)]),
            Kept,
        ),
        file(
            "EXIF with absurd offsets",
            "a.jpg",
            JPEG,
            || jpeg::with_segments(&jpeg::encode(&scene()), &[jpeg::exif(&exif::absurd())]),
            Kept,
        ),
        file(
            "colour profile of 8 MB",
            "a.jpg",
            JPEG,
            || jpeg::with_segments(&jpeg::encode(&scene()), &jpeg::profile(&vec![0x41; 8_000_000])),
            Kept,
        ),
        file("colour profile that inflates to 300 MB", "a.png", PNG, inflating_profile, Kept),
        file("pixels that inflate to 300 MB too many", "a.png", PNG, inflating_pixels, Kept),
        file("animated PNG", "a.png", PNG, png::animated, Kept),
    ]
}

fn cut(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() / 2);
    bytes
}

fn flipped() -> Vec<u8> {
    let mut bytes = png::with_chunks(vec![]);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    bytes
}

/// A black square, with as many megabytes of zeros as that has.
fn zeros(side_px: u32, megabytes: usize) -> Vec<u8> {
    png::file(side_px, side_px, &[png::chunk(*b"IDAT", &png::deflated_zeros(megabytes))])
}

fn inflating_profile() -> Vec<u8> {
    let data = [b"icc\0\0".as_slice(), &png::deflated_zeros(300)].concat();
    png::with_chunks(vec![png::chunk(*b"iCCP", &data)])
}

fn inflating_pixels() -> Vec<u8> {
    png::file(60, 80, &[png::chunk(*b"IDAT", &png::deflated_zeros(300))])
}

fn hundred_megabytes() -> Vec<u8> {
    let mut bytes = vec![0; 100_000_000];
    bytes[..3].copy_from_slice(&[0xff, 0xd8, 0xff]);
    bytes
}
