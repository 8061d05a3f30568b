use image::{
    DynamicImage, ExtendedColorType, ImageEncoder,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
    },
};

use crate::{clean::Profile, fault::Fault, kind::Kind, picture::Encoded};

/// Steps of quality for a photo that had to be turned, until it is small enough.
const PHOTO_QUALITIES: [u8; 4] = [90, 82, 74, 60];
const SMALL_QUALITY: u8 = 80;

/// A photo with as little loss as fits into `bytes_max`.
pub(crate) fn photo(
    image: &DynamicImage,
    profile: Option<&Profile>,
    bytes_max: u32,
) -> Result<Encoded, Fault> {
    for quality in PHOTO_QUALITIES {
        let encoded = jpeg(image, profile, quality)?;
        if encoded.bytes.len() <= bytes_max as usize {
            return Ok(encoded);
        }
    }
    Err(Fault::TooLarge)
}

/// A small picture: PNG if something shows through it, else JPEG.
pub(crate) fn small(image: &DynamicImage, profile: Option<&Profile>) -> Result<Encoded, Fault> {
    if image.color().has_alpha() {
        let pixels = image.to_rgba8();
        if pixels.pixels().any(|pixel| pixel.0[3] < u8::MAX) {
            return png(DynamicImage::from(pixels), profile);
        }
    }
    jpeg(image, profile, SMALL_QUALITY)
}

/// A picture without loss, in eight bits for each channel.
pub(crate) fn png(image: DynamicImage, profile: Option<&Profile>) -> Result<Encoded, Fault> {
    let image = if image.color().has_alpha() {
        DynamicImage::from(image.into_rgba8())
    } else {
        eight_bits(image)
    };
    let mut bytes = Vec::new();
    let filter = FilterType::Adaptive;
    let mut encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, filter);
    set_profile(&mut encoder, profile)?;
    let color = ExtendedColorType::from(image.color());
    encoder.write_image(image.as_bytes(), image.width(), image.height(), color)?;
    Ok(Encoded { kind: Kind::Png, bytes })
}

fn jpeg(image: &DynamicImage, profile: Option<&Profile>, quality: u8) -> Result<Encoded, Fault> {
    let opaque;
    let image = if matches!(image, DynamicImage::ImageRgb8(_) | DynamicImage::ImageLuma8(_)) {
        image
    } else {
        opaque = eight_bits(image.clone());
        &opaque
    };
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    set_profile(&mut encoder, profile)?;
    let color = ExtendedColorType::from(image.color());
    encoder.write_image(image.as_bytes(), image.width(), image.height(), color)?;
    Ok(Encoded { kind: Kind::Jpeg, bytes })
}

/// Without the finer steps and what shows through. Grey stays grey, or its profile would not fit.
fn eight_bits(image: DynamicImage) -> DynamicImage {
    if image.color().has_color() {
        DynamicImage::from(image.into_rgb8())
    } else {
        DynamicImage::from(image.into_luma8())
    }
}

fn set_profile(encoder: &mut impl ImageEncoder, profile: Option<&Profile>) -> Result<(), Fault> {
    let Some(profile) = profile else { return Ok(()) };
    encoder.set_icc_profile(profile.as_bytes().to_vec()).map_err(|_| Fault::Unreadable)
}
