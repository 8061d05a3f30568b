//! GIF 87a and 89a: a screen, then pictures on it and extensions between them.

use image::metadata::Orientation;

use super::{Input, Sanitized, Size};
use crate::Fault;

const EXTENSION: u8 = 0x21;
const PICTURE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
const PLAIN_TEXT: u8 = 0x01;
const CONTROL: u8 = 0xf9;
const APPLICATION: u8 = 0xff;

pub(super) fn clean(bytes: &[u8]) -> Result<Sanitized, Fault> {
    let mut input = Input::new(bytes);
    let mut parts = Parts::new(&mut input)?;
    loop {
        let taken = match input.byte() {
            Ok(EXTENSION) => parts.take_extension(&mut input),
            Ok(PICTURE) => {
                parts.take_picture(&mut input)?;
                continue;
            }
            Ok(TRAILER) => return Ok(parts.assemble()),
            Ok(_) => Err(Fault::Unreadable),
            Err(fault) => Err(fault),
        };
        match taken {
            // Behind the last picture that is the end, as browsers have it.
            Err(_) if parts.frames > 0 && !parts.announced => return Ok(parts.assemble()),
            taken => taken?,
        }
    }
}

struct Parts<'a> {
    out: Vec<u8>,
    screen: Size,
    frames: u32,
    /// How long the next picture stays and what is see-through in it.
    control: Option<&'a [u8]>,
    loops: bool,
    /// Another picture was to come.
    announced: bool,
}

impl<'a> Parts<'a> {
    fn new(input: &mut Input<'a>) -> Result<Self, Fault> {
        let mut out = input.take(6)?.to_vec();
        let screen = input.take(7)?;
        out.extend_from_slice(screen);
        out.extend_from_slice(input.take(palette_bytes(screen[4]))?);
        let mut sides = Input::new(screen);
        let (width, height) = (sides.u16_le()?, sides.u16_le()?);
        let screen = Size { width_px: u32::from(width), height_px: u32::from(height) };
        Ok(Self { out, screen, frames: 0, control: None, loops: false, announced: false })
    }

    fn take_extension(&mut self, input: &mut Input<'a>) -> Result<(), Fault> {
        self.announced = true;
        let label = input.byte()?;
        self.announced = label == CONTROL || (self.control.is_some() && label != PLAIN_TEXT);
        let blocks = blocks(input)?;
        match label {
            // Four bytes in one block.
            CONTROL if blocks.len() == 6 && blocks[0] == 4 => self.control = Some(blocks),
            APPLICATION => self.take_loop(blocks),
            // It would have been what the control is about.
            PLAIN_TEXT => self.control = None,
            _ => {}
        }
        Ok(())
    }

    /// How often the animation is repeated.
    fn take_loop(&mut self, blocks: &[u8]) {
        let count = blocks
            .strip_prefix(b"\x0bNETSCAPE2.0\x03\x01")
            .or_else(|| blocks.strip_prefix(b"\x0bANIMEXTS1.0\x03\x01"))
            .and_then(<[u8]>::first_chunk::<2>);
        if let Some([low, high]) = count.filter(|_| !self.loops) {
            self.loops = true;
            self.out.extend_from_slice(&[EXTENSION, APPLICATION]);
            self.out.extend_from_slice(b"\x0bNETSCAPE2.0\x03\x01");
            self.out.extend_from_slice(&[*low, *high, 0]);
        }
    }

    fn take_picture(&mut self, input: &mut Input<'a>) -> Result<(), Fault> {
        let place = input.take(9)?;
        self.check_place(place)?;
        let palette = input.take(palette_bytes(place[8]))?;
        let code_size = input.byte()?;
        let pixels = pixels(input)?;
        if let Some(control) = self.control.take() {
            self.out.extend_from_slice(&[EXTENSION, CONTROL]);
            self.out.extend_from_slice(control);
        }
        self.out.push(PICTURE);
        self.out.extend_from_slice(place);
        self.out.extend_from_slice(palette);
        self.out.push(code_size);
        self.out.extend_from_slice(pixels);
        self.out.push(0);
        self.announced = false;
        self.frames += 1;
        Ok(())
    }

    /// A frame outside of the canvas is not seen, but a decoder needs memory for it.
    fn check_place(&self, place: &[u8]) -> Result<(), Fault> {
        let mut place = Input::new(place);
        let (left, top) = (u32::from(place.u16_le()?), u32::from(place.u16_le()?));
        let (width, height) = (u32::from(place.u16_le()?), u32::from(place.u16_le()?));
        let inside = left + width <= self.screen.width_px && top + height <= self.screen.height_px;
        if inside { Ok(()) } else { Err(Fault::Unreadable) }
    }

    fn assemble(mut self) -> Sanitized {
        self.out.push(TRAILER);
        Sanitized {
            bytes: self.out,
            size: self.screen,
            frames: self.frames,
            orientation: Orientation::NoTransforms,
            profile: None,
            with_filler: None,
        }
    }
}

fn palette_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// A row of blocks without the empty one that ends it, which may be missing where the file breaks off.
/// Whether pixels are missing too shows when they are decoded.
fn pixels<'a>(input: &mut Input<'a>) -> Result<&'a [u8], Fault> {
    let from_here = input.rest();
    loop {
        let until_here = &from_here[..from_here.len() - input.rest().len()];
        match input.byte() {
            Ok(0) => return Ok(until_here),
            Ok(len) => input.take(usize::from(len))?,
            Err(_) if !until_here.is_empty() => return Ok(until_here),
            Err(fault) => return Err(fault),
        };
    }
}

/// A row of blocks with the empty one that ends it.
fn blocks<'a>(input: &mut Input<'a>) -> Result<&'a [u8], Fault> {
    let from_here = input.rest();
    loop {
        let len = input.byte()?;
        input.take(usize::from(len))?;
        if len == 0 {
            return Ok(&from_here[..from_here.len() - input.rest().len()]);
        }
    }
}
