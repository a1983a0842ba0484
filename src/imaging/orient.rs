//! Quarter turns and flips, as an EXIF orientation asks for them.

use image::metadata::Orientation;
use image::{ImageBuffer, Pixel};

/// By how many quarters, clockwise, something is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Turn {
    /// Upright.
    #[default]
    None,
    /// A quarter clockwise: its top points to the right.
    Quarter,
    /// Upside down.
    Half,
    /// A quarter counter-clockwise: its top points to the left.
    ThreeQuarters,
}

impl Turn {
    /// All, in the order of their quarters.
    pub const ALL: [Self; 4] = [Self::None, Self::Quarter, Self::Half, Self::ThreeQuarters];

    /// The three that are not upright.
    pub const TURNED: [Self; 3] = [Self::Quarter, Self::Half, Self::ThreeQuarters];

    /// The angle in degrees, clockwise.
    pub const fn degrees(self) -> u32 {
        90 * self as u32
    }

    /// The turn that takes this one back.
    pub const fn inverse(self) -> Self {
        Self::ALL[(4 - self as usize) % 4]
    }

    /// This turn, then another.
    pub const fn then(self, next: Self) -> Self {
        Self::ALL[(self as usize + next as usize) % 4]
    }

    /// True when width and height change places.
    pub const fn is_sideways(self) -> bool {
        matches!(self, Self::Quarter | Self::ThreeQuarters)
    }
}

/// Side of the square tiles that a turn works in: small enough that the rows of both pictures stay in the cache.
const TILE: u32 = 32;

/// The picture as its orientation says that it is to be seen. Costs nothing for an upright picture.
pub fn upright<P>(image: ImageBuffer<P, Vec<u8>>, orientation: Orientation) -> ImageBuffer<P, Vec<u8>>
where
    P: Pixel<Subpixel = u8> + 'static,
{
    let (w, h) = image.dimensions();
    // Where the pixel seen at (x, y) is stored; (w, h) are the stored sides.
    match orientation {
        Orientation::NoTransforms => image,
        Orientation::FlipHorizontal => gathered(&image, (w, h), |x, y| (w - 1 - x, y)),
        Orientation::Rotate180 => gathered(&image, (w, h), |x, y| (w - 1 - x, h - 1 - y)),
        Orientation::FlipVertical => gathered(&image, (w, h), |x, y| (x, h - 1 - y)),
        Orientation::Rotate90FlipH => gathered(&image, (h, w), |x, y| (y, x)),
        Orientation::Rotate90 => gathered(&image, (h, w), |x, y| (y, h - 1 - x)),
        Orientation::Rotate270FlipH => gathered(&image, (h, w), |x, y| (w - 1 - y, h - 1 - x)),
        Orientation::Rotate270 => gathered(&image, (h, w), |x, y| (w - 1 - y, x)),
    }
}

/// The picture turned clockwise.
pub fn turned<P>(image: ImageBuffer<P, Vec<u8>>, turn: Turn) -> ImageBuffer<P, Vec<u8>>
where
    P: Pixel<Subpixel = u8> + 'static,
{
    upright(
        image,
        match turn {
            Turn::None => Orientation::NoTransforms,
            Turn::Quarter => Orientation::Rotate90,
            Turn::Half => Orientation::Rotate180,
            Turn::ThreeQuarters => Orientation::Rotate270,
        },
    )
}

/// The picture of something that lies turned clockwise, turned back.
pub fn turned_back<P>(image: ImageBuffer<P, Vec<u8>>, turn: Turn) -> ImageBuffer<P, Vec<u8>>
where
    P: Pixel<Subpixel = u8> + 'static,
{
    turned(image, turn.inverse())
}

fn gathered<P>(
    image: &ImageBuffer<P, Vec<u8>>,
    (width, height): (u32, u32),
    source: impl Fn(u32, u32) -> (u32, u32),
) -> ImageBuffer<P, Vec<u8>>
where
    P: Pixel<Subpixel = u8> + 'static,
{
    let channels = usize::from(P::CHANNEL_COUNT);
    let (from, stored_width) = (image.as_raw(), image.width() as usize);
    let mut to = vec![0u8; width as usize * height as usize * channels];
    for top in (0..height).step_by(TILE as usize) {
        for left in (0..width).step_by(TILE as usize) {
            for y in top..(top + TILE).min(height) {
                for x in left..(left + TILE).min(width) {
                    let (sx, sy) = source(x, y);
                    let at = (y as usize * width as usize + x as usize) * channels;
                    let stored = (sy as usize * stored_width + sx as usize) * channels;
                    to[at..at + channels].copy_from_slice(&from[stored..stored + channels]);
                }
            }
        }
    }
    // The buffer has exactly width × height pixels, so this cannot fail; an empty picture would be told at once.
    ImageBuffer::from_raw(width, height, to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, GrayImage};

    use super::*;

    #[test]
    fn every_orientation_equals_the_plain_transform() {
        let picture = GrayImage::from_fn(67, 41, |x, y| image::Luma([(x * 3 + y * 5) as u8]));
        for tag in 1..=8 {
            let orientation = Orientation::from_exif(tag).unwrap();
            let mut plain = DynamicImage::ImageLuma8(picture.clone());
            plain.apply_orientation(orientation);
            assert_eq!(upright(picture.clone(), orientation), plain.into_luma8(), "orientation {tag}");
        }
    }
}
