//! PNG (W3C recommendation): chunks, each with a length, a name and a checksum.

use std::io::{Read, Write};

use flate2::{Compression, Crc, read::ZlibDecoder, write::ZlibEncoder};
use image::metadata::Orientation;

use super::{
    Sanitized, Size,
    input::{Fault, Input},
    profile::{Channels, PROFILE_MAX_BYTES, Profile},
};
use crate::sanitize;

const SIGNATURE_BYTES: usize = 8;

pub(crate) fn clean(bytes: &[u8]) -> Result<Sanitized, Fault> {
    let mut input = Input::new(bytes);
    let mut out = input.take(SIGNATURE_BYTES)?.to_vec();
    let mut orientation = None;
    let mut profile = None;
    let (size, channels) = take_header(&mut input, &mut out)?;
    let mut has_pixels = false;
    loop {
        let Ok((name, chunk, data)) = next_chunk(&mut input) else {
            // The file is truncated. It can be completed if no pixels are missing.
            match cut_pixels(input.rest())? {
                Some(data) => put(&mut out, *b"IDAT", data),
                None if has_pixels => {}
                None => return Err(Fault::Unreadable),
            }
            break;
        };
        match name {
            b"IEND" => break,
            b"eXIf" => orientation = orientation.or_else(|| sanitize::orientation(data)),
            b"iCCP" if profile.is_none() => {
                profile = inflated_profile(data).and_then(|data| Profile::rebuilt(&data, channels));
                if let Some(profile) = &profile {
                    put_profile(&mut out, profile);
                }
            }
            _ if is_allowed(*name, data.len()) => {
                has_pixels |= name == b"IDAT";
                out.extend_from_slice(chunk);
            }
            _ => {}
        }
    }
    put(&mut out, *b"IEND", b"");
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    Ok(Sanitized { bytes: out, size, frames: 1, orientation, profile, with_filler: None })
}

/// The pixels in the rest of a truncated file if only their checksum is missing; `None` if another chunk was cut.
fn cut_pixels(rest: &[u8]) -> Result<Option<&[u8]>, Fault> {
    let mut input = Input::new(rest);
    let (Ok(len), Ok(b"IDAT")) = (input.u32_be(), input.take(4)) else {
        return Ok(None);
    };
    input.take(len as usize).map(Some)
}

/// Name, the whole chunk, and its data.
type Chunk<'a> = (&'a [u8; 4], &'a [u8], &'a [u8]);

fn next_chunk<'a>(input: &mut Input<'a>) -> Result<Chunk<'a>, Fault> {
    let len = Input::new(input.rest()).u32_be()? as usize;
    let chunk = input.take(len.checked_add(12).ok_or(Fault::Unreadable)?)?;
    let name = chunk[4..].first_chunk().ok_or(Fault::Unreadable)?;
    Ok((name, chunk, &chunk[8..8 + len]))
}

fn take_header(input: &mut Input<'_>, out: &mut Vec<u8>) -> Result<(Size, Channels), Fault> {
    let (b"IHDR", chunk, data) = next_chunk(input)? else {
        return Err(Fault::Unreadable);
    };
    out.extend_from_slice(chunk);
    let mut data = Input::new(data);
    let size = Size { width_px: data.u32_be()?, height_px: data.u32_be()? };
    data.byte()?;
    let channels = if matches!(data.byte()?, 0 | 4) { Channels::Grey } else { Channels::Rgb };
    Ok((size, channels))
}

/// The chunks that are copied: pixels and colour information. Their lengths are checked, so that nothing else is stored
/// under such a name. Further frames of an animation are dropped: it becomes the still picture that the format has for
/// programs without support for animations.
fn is_allowed(name: [u8; 4], len: usize) -> bool {
    match &name {
        b"IDAT" => true,
        b"PLTE" => len <= 768,
        b"tRNS" => len <= 256,
        b"gAMA" | b"cICP" => len == 4,
        b"cHRM" => len == 32,
        b"sRGB" => len == 1,
        b"sBIT" => len <= 4,
        _ => false,
    }
}

/// The compressed profile after its name and the method.
fn inflated_profile(data: &[u8]) -> Option<Vec<u8>> {
    let name_len = data.iter().position(|byte| *byte == 0)?;
    let compressed = data.get(name_len + 2..)?;
    let mut profile = Vec::new();
    let bound = PROFILE_MAX_BYTES as u64 + 1;
    // An invalid profile is ignored.
    ZlibDecoder::new(compressed).take(bound).read_to_end(&mut profile).ok()?;
    Some(profile)
}

fn put_profile(out: &mut Vec<u8>, profile: &Profile) {
    let mut data = ZlibEncoder::new(b"icc\0\0".to_vec(), Compression::default());
    data.write_all(profile.as_bytes()).expect("memory takes what is written");
    put(out, *b"iCCP", &data.finish().expect("memory takes what is written"));
}

fn put(out: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    let len = u32::try_from(data.len()).expect("below 4 GiB, as the file was");
    let mut crc = Crc::new();
    crc.update(&name);
    crc.update(data);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&name);
    out.extend_from_slice(data);
    out.extend_from_slice(&crc.sum().to_be_bytes());
}
