//! WebP (RFC 9649): chunks in a RIFF file, each with a name and a length.

use image::metadata::Orientation;

use super::{
    Sanitized, Size,
    input::{Fault, Input},
    profile::{Channels, PROFILE_MAX_BYTES, Profile},
};
use crate::sanitize;

const HAS_PROFILE: u8 = 0x20;
const HAS_ALPHA: u8 = 0x10;
const ANIMATED: u8 = 0x02;
/// The minimum length of a file: a name and the header of a chunk.
const LEN_MIN: usize = 12;

pub(crate) fn clean(bytes: &[u8]) -> Result<Sanitized, Fault> {
    let mut input = Input::new(bytes);
    input.take(4)?;
    let len = input.u32_le()? as usize;
    // Some writers write a wrong length, or none. One that is too small for any picture is ignored, and a chunk that
    // begins before the end is read completely.
    let len = if len < LEN_MIN { usize::MAX } else { len };
    let trailing_bytes = input.rest().len().saturating_sub(len);
    input.take(4)?;
    match next_chunk(&mut input)? {
        (b"VP8X", header) => Extended::new(header)?.take_all(&mut input, trailing_bytes),
        (name @ (b"VP8 " | b"VP8L"), data) => {
            let mut out = Vec::with_capacity(bytes.len());
            put(&mut out, *name, &[data]);
            Ok(Sanitized {
                bytes: file(&out),
                size: coded_size(*name, data)?,
                frames: 1,
                orientation: Orientation::NoTransforms,
                profile: None,
                with_filler: None,
            })
        }
        _ => Err(Fault::Unreadable),
    }
}

fn next_chunk<'a>(input: &mut Input<'a>) -> Result<(&'a [u8; 4], &'a [u8]), Fault> {
    let name = input.take(4)?.first_chunk().ok_or(Fault::Unreadable)?;
    let len = input.u32_le()? as usize;
    let data = input.take(len)?;
    if len % 2 == 1 {
        // Some writers leave out the last padding.
        input.take(input.rest().len().min(1))?;
    }
    Ok((name, data))
}

/// A file in the extended format.
struct Extended {
    flags: u8,
    canvas: Size,
    orientation: Option<Orientation>,
    profile: Option<Profile>,
    body: Vec<u8>,
    frames: u32,
}

impl Extended {
    fn new(header: &[u8]) -> Result<Self, Fault> {
        let mut header = Input::new(header);
        let [flags, ..] = header.array::<4>()?;
        let canvas = Size { width_px: header.u24_le()? + 1, height_px: header.u24_le()? + 1 };
        let (orientation, profile) = (None, None);
        Ok(Self { flags, canvas, orientation, profile, body: Vec::new(), frames: 0 })
    }

    fn is_animated(&self) -> bool {
        self.flags & ANIMATED != 0
    }

    /// Reads all chunks up to `trailing_bytes` before the end.
    fn take_all(
        mut self,
        input: &mut Input<'_>,
        trailing_bytes: usize,
    ) -> Result<Sanitized, Fault> {
        while input.rest().len() > trailing_bytes {
            let is_frame = input.rest().starts_with(b"ANMF");
            match next_chunk(input) {
                Ok((name, data)) => self.take(*name, data)?,
                // Truncated after the pixels: nothing visible is missing.
                Err(_) if self.frames > 0 && !is_frame => break,
                Err(fault) => return Err(fault),
            }
        }
        Ok(self.assemble())
    }

    fn take(&mut self, name: [u8; 4], data: &[u8]) -> Result<(), Fault> {
        match &name {
            b"ICCP" if self.profile.is_none() && data.len() <= PROFILE_MAX_BYTES => {
                self.profile = Profile::rebuilt(data, Channels::Rgb);
            }
            b"EXIF" if self.orientation.is_none() => self.orientation = sanitize::orientation(data),
            b"ANIM" if self.is_animated() && data.len() == 6 => put(&mut self.body, name, &[data]),
            b"ANMF" if self.is_animated() => self.take_frame(data)?,
            b"ALPH" if !self.is_animated() && self.frames == 0 => {
                put(&mut self.body, name, &[data]);
            }
            b"VP8 " | b"VP8L" if !self.is_animated() && self.frames == 0 => {
                check_same(coded_size(name, data)?, self.canvas)?;
                put(&mut self.body, name, &[data]);
                self.frames = 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn take_frame(&mut self, data: &[u8]) -> Result<(), Fault> {
        let mut input = Input::new(data);
        let head = input.take(16)?;
        let size = self.frame_size(head)?;
        let mut parts = Vec::with_capacity(data.len());
        let mut coded = 0;
        while coded == 0 && !input.rest().is_empty() {
            match next_chunk(&mut input)? {
                (name @ b"ALPH", data) => put(&mut parts, *name, &[data]),
                (name @ (b"VP8 " | b"VP8L"), data) => {
                    check_same(coded_size(*name, data)?, size)?;
                    put(&mut parts, *name, &[data]);
                    coded += 1;
                }
                _ => {}
            }
        }
        put(&mut self.body, *b"ANMF", &[head, &parts]);
        self.frames += coded;
        if coded == 1 { Ok(()) } else { Err(Fault::Unreadable) }
    }

    /// The size of a frame. Refuses one outside of the canvas.
    fn frame_size(&self, head: &[u8]) -> Result<Size, Fault> {
        let mut head = Input::new(head);
        let (left, top) = (head.u24_le()? * 2, head.u24_le()? * 2);
        let size = Size { width_px: head.u24_le()? + 1, height_px: head.u24_le()? + 1 };
        let inside = left + size.width_px <= self.canvas.width_px
            && top + size.height_px <= self.canvas.height_px;
        if inside { Ok(size) } else { Err(Fault::Unreadable) }
    }

    fn assemble(self) -> Sanitized {
        let has_profile = if self.profile.is_some() { HAS_PROFILE } else { 0 };
        let mut header = [0; 10];
        header[0] = self.flags & (HAS_ALPHA | ANIMATED) | has_profile;
        header[4..7].copy_from_slice(&(self.canvas.width_px - 1).to_le_bytes()[..3]);
        header[7..].copy_from_slice(&(self.canvas.height_px - 1).to_le_bytes()[..3]);
        let mut out = Vec::with_capacity(self.body.len());
        put(&mut out, *b"VP8X", &[&header]);
        if let Some(profile) = &self.profile {
            put(&mut out, *b"ICCP", &[profile.as_bytes()]);
        }
        out.extend_from_slice(&self.body);
        // Animations have no orientation.
        let orientation = self.orientation.filter(|_| self.flags & ANIMATED == 0);
        Sanitized {
            bytes: file(&out),
            size: self.canvas,
            frames: self.frames,
            orientation: orientation.unwrap_or(Orientation::NoTransforms),
            profile: self.profile,
            with_filler: None,
        }
    }
}

/// The size in a coded picture, which a decoder uses instead of that of the canvas.
fn coded_size(name: [u8; 4], data: &[u8]) -> Result<Size, Fault> {
    let mut input = Input::new(data);
    if &name == b"VP8L" {
        let (0x2f, bits) = (input.byte()?, input.u32_le()?) else {
            return Err(Fault::Unreadable);
        };
        return Ok(Size { width_px: (bits & 0x3fff) + 1, height_px: (bits >> 14 & 0x3fff) + 1 });
    }
    let ([_, _, _], [0x9d, 0x01, 0x2a]) = (input.array()?, input.array()?) else {
        return Err(Fault::Unreadable);
    };
    let (width, height) = (input.u16_le()? & 0x3fff, input.u16_le()? & 0x3fff);
    Ok(Size { width_px: u32::from(width), height_px: u32::from(height) })
}

fn check_same(coded: Size, declared: Size) -> Result<(), Fault> {
    if coded == declared { Ok(()) } else { Err(Fault::Unreadable) }
}

fn put(out: &mut Vec<u8>, name: [u8; 4], data: &[&[u8]]) {
    let len: usize = data.iter().map(|piece| piece.len()).sum();
    out.extend_from_slice(&name);
    out.extend_from_slice(&length(len));
    for piece in data {
        out.extend_from_slice(piece);
    }
    out.extend((len % 2 == 1).then_some(0));
}

fn file(chunks: &[u8]) -> Vec<u8> {
    [b"RIFF", length(chunks.len() + 4).as_slice(), b"WEBP", chunks].concat()
}

fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).expect("no longer than the file that was read").to_le_bytes()
}
