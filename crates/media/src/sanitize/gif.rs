//! GIF 87a and 89a: a screen, then images on it with extensions between them.

use image::metadata::Orientation;

use super::{
    Sanitized, Size,
    input::{Fault, Input},
};

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
const PLAIN_TEXT: u8 = 0x01;
const CONTROL: u8 = 0xf9;
const APPLICATION: u8 = 0xff;

pub(crate) fn clean(bytes: &[u8]) -> Result<Sanitized, Fault> {
    let mut input = Input::new(bytes);
    let mut parts = Parts::new(&mut input)?;
    loop {
        let result = match input.byte() {
            Ok(EXTENSION) => parts.take_extension(&mut input),
            Ok(IMAGE) => {
                parts.take_image(&mut input)?;
                continue;
            }
            Ok(TRAILER) => return Ok(parts.assemble()),
            Ok(_) => Err(Fault::Unreadable),
            Err(fault) => Err(fault),
        };
        match result {
            // Truncated after the last image: complete, as for browsers.
            Err(_) if parts.frames > 0 && !parts.expects_image => return Ok(parts.assemble()),
            result => result?,
        }
    }
}

struct Parts<'a> {
    out: Vec<u8>,
    screen: Size,
    frames: u32,
    /// Delay and transparency of the next image.
    control: Option<&'a [u8]>,
    loops: bool,
    /// A part that belongs to a further image was read.
    expects_image: bool,
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
        Ok(Self { out, screen, frames: 0, control: None, loops: false, expects_image: false })
    }

    fn take_extension(&mut self, input: &mut Input<'a>) -> Result<(), Fault> {
        self.expects_image = true;
        let label = input.byte()?;
        self.expects_image = label == CONTROL || (self.control.is_some() && label != PLAIN_TEXT);
        let blocks = blocks(input)?;
        match label {
            // Four bytes in one block.
            CONTROL if blocks.len() == 6 && blocks[0] == 4 => self.control = Some(blocks),
            APPLICATION => self.take_loop(blocks),
            // The control applied to it.
            PLAIN_TEXT => self.control = None,
            _ => {}
        }
        Ok(())
    }

    /// Copies the loop count of the animation.
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

    fn take_image(&mut self, input: &mut Input<'a>) -> Result<(), Fault> {
        let descriptor = input.take(9)?;
        self.check_position(descriptor)?;
        let palette = input.take(palette_bytes(descriptor[8]))?;
        let code_size = input.byte()?;
        let pixels = pixels(input)?;
        if let Some(control) = self.control.take() {
            self.out.extend_from_slice(&[EXTENSION, CONTROL]);
            self.out.extend_from_slice(control);
        }
        self.out.push(IMAGE);
        self.out.extend_from_slice(descriptor);
        self.out.extend_from_slice(palette);
        self.out.push(code_size);
        self.out.extend_from_slice(pixels);
        self.out.push(0);
        self.expects_image = false;
        self.frames += 1;
        Ok(())
    }

    /// Refuses a frame outside of the screen: it is invisible, but a decoder needs memory for it.
    fn check_position(&self, descriptor: &[u8]) -> Result<(), Fault> {
        let mut input = Input::new(descriptor);
        let (left, top) = (u32::from(input.u16_le()?), u32::from(input.u16_le()?));
        let (width, height) = (u32::from(input.u16_le()?), u32::from(input.u16_le()?));
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

/// Data blocks without the empty one that ends them, which may be missing in a truncated file. Whether pixels are missing
/// too shows when they are decoded.
fn pixels<'a>(input: &mut Input<'a>) -> Result<&'a [u8], Fault> {
    let start = input.rest();
    loop {
        let read = &start[..start.len() - input.rest().len()];
        match input.byte() {
            Ok(0) => return Ok(read),
            Ok(len) => input.take(usize::from(len))?,
            Err(_) if !read.is_empty() => return Ok(read),
            Err(fault) => return Err(fault),
        };
    }
}

/// Data blocks with the empty one that ends them.
fn blocks<'a>(input: &mut Input<'a>) -> Result<&'a [u8], Fault> {
    let start = input.rest();
    loop {
        let len = input.byte()?;
        input.take(usize::from(len))?;
        if len == 0 {
            return Ok(&start[..start.len() - input.rest().len()]);
        }
    }
}
