//! What becomes of a sheet on its way to a file: kinds of devices, each picture a little different from the next.

use super::stationery::Pose;
use crate::deck::DeckError;
use crate::deck::camera::{Capture, Copier, Ground, Light, Picture, Shade};
use crate::deck::canvas::Canvas;
use crate::deck::encode::{self, Tone};
use crate::deck::random::Random;
use crate::geometry::{Point, Size};

/// A kind of device or mishap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Degradation {
    /// A good scanner: even light, hardly turned, fine JPEG or PNG.
    Scanner,
    /// An office feeder: grayish paper, some noise, turned a little, ordinary JPEG.
    Office,
    /// A copy of the sheet was scanned: steep contrast, grit, streaks.
    Photocopy,
    /// A phone: perspective, a desk where the template looks for the paper's edges, uneven light, noise.
    Phone,
    /// A phone with the shadow of a hand or head.
    Shadow,
    /// A scan as far off as the template's steps allow, or upside down.
    Turned,
    /// Out of focus.
    Blurred,
    /// Few pixels, low JPEG quality.
    Compressed,
}

impl Degradation {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 8] = [
        Self::Scanner,
        Self::Office,
        Self::Photocopy,
        Self::Phone,
        Self::Shadow,
        Self::Turned,
        Self::Blurred,
        Self::Compressed,
    ];

    /// Its name on the command line, in truth.csv, and of its folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scanner => "scanner",
            Self::Office => "office",
            Self::Photocopy => "photocopy",
            Self::Phone => "phone",
            Self::Shadow => "shadow",
            Self::Turned => "turned",
            Self::Blurred => "blurred",
            Self::Compressed => "compressed",
        }
    }

    /// The extension of the file of its sheet number `index`: every fourth scan is a PNG.
    pub const fn extension(self, index: usize) -> &'static str {
        match self {
            Self::Scanner if index.is_multiple_of(4) => "png",
            _ => "jpg",
        }
    }
}

/// How far the pictures of a deck may be from the template, and how large a bubble is in them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Room {
    /// How a sheet may lie.
    pub pose: Pose,
    /// Short side of the smallest bubble, in pixels of the canvas.
    pub bubble: f64,
}

/// The picture of a sheet as a file.
///
/// # Errors
/// [`DeckError`], for pictures beyond the limits of their format.
pub fn picture(
    degradation: Degradation,
    sheet: &Canvas,
    room: Room,
    index: usize,
    random: &mut Random,
) -> Result<Vec<u8>, DeckError> {
    let is_phone = match degradation {
        Degradation::Phone | Degradation::Shadow => true,
        Degradation::Blurred | Degradation::Compressed => random.below(2) == 0,
        _ => false,
    };
    let mut capture = if is_phone { phone(sheet, room, random) } else { scan(degradation, sheet, room, random) };
    let mut quality = (random.between(78.0, 93.0)) as u8;
    match degradation {
        Degradation::Photocopy => {
            let range = (random.between(0.02, 0.10), random.between(0.88, 0.96));
            let copier = Copier { range, specks: random.between(20.0, 220.0), streaks: random.below(4) as u32 };
            capture.copier = Some(copier);
        }
        Degradation::Shadow => {
            let shades = 1 + random.below(2);
            capture.light.shades = (0..shades).map(|_| shade(capture.size, shades, random)).collect();
        }
        // A bubble of a blur's size is gone; at this it is soft and easily seen.
        Degradation::Blurred => capture.blur = random.between(0.07, 0.14) * room.bubble,
        Degradation::Compressed => quality = random.between(18.0, 34.0) as u8,
        _ => {}
    }
    let picture = capture.shoot(sheet, random)?;
    // Scanners turn sheets upside down, feeders do so every day.
    let picture = match degradation {
        Degradation::Turned if random.below(3) == 0 => upside_down(picture),
        _ => picture,
    };
    match degradation.extension(index) {
        "png" => encode::png_picture(&picture),
        _ => encode::jpeg_picture(&picture, quality),
    }
}

fn scan(degradation: Degradation, sheet: &Canvas, room: Room, random: &mut Random) -> Capture {
    let shrink = match degradation {
        Degradation::Compressed => (12.0 / room.bubble).clamp(0.6, 1.0).max(0.7),
        Degradation::Office => random.between(0.8, 1.0).max((14.0 / room.bubble).min(1.0)),
        _ => 1.0,
    };
    let (paper_w, paper_h) = paper_size(sheet, shrink);
    // How much of what is allowed a feeder uses.
    let share = match degradation {
        Degradation::Turned => random.between(0.6, 1.0),
        Degradation::Scanner => random.between(0.0, 0.3),
        _ => random.between(0.0, 0.6),
    };
    let (most_turn, most_shift, border) = match room.pose {
        // A turn moves the corners by half the diagonal, at most, and a shift comes on top.
        Pose::Fills(slack) => (0.7 * slack * paper_w / (0.5 * paper_w.hypot(paper_h)), 0.25 * slack * paper_w, 0.0),
        Pose::OnGround => (0.05, 0.01 * paper_w, random.between(0.05, 0.09)),
    };
    let sign = |random: &mut Random| if random.below(2) == 0 { 1.0 } else { -1.0 };
    let turn = sign(random) * share * most_turn;
    let shift = (share * most_shift * random.between(-1.0, 1.0), share * most_shift * random.between(-1.0, 1.0));
    let size =
        Size::new((paper_w * (1.0 + 2.0 * border)).round() as u32, (paper_h * (1.0 + 2.0 * border)).round() as u32);
    let middle = (f64::from(size.width) / 2.0 + shift.0, f64::from(size.height) / 2.0 + shift.1);
    let corners = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map(|(u, v)| {
        let (x, y) = (u * paper_w, v * paper_h);
        let cosine = 1.0 / (1.0 + turn * turn).sqrt();
        Point::new(middle.0 + cosine * (x - turn * y), middle.1 + cosine * (y + turn * x))
    });
    let ground = match room.pose {
        Pose::Fills(_) => Ground::Even(random.between(228.0, 244.0) as u8),
        Pose::OnGround => Ground::Even(random.between(36.0, 96.0) as u8),
    };
    let (white, grain, noise) = match degradation {
        Degradation::Scanner => (random.between(246.0, 264.0), 0.01, random.between(0.8, 2.0)),
        Degradation::Office => (random.between(214.0, 244.0), 0.03, random.between(2.0, 4.5)),
        _ => (random.between(232.0, 258.0), 0.02, random.between(1.2, 3.0)),
    };
    let tint = random.between(0.0, 0.05);
    let tone = if random.below(2) == 0 { Tone::Gray } else { Tone::Colour };
    Capture {
        size,
        corners,
        ground,
        white: [white, white * (1.0 - tint / 3.0), white * (1.0 - tint)],
        grain,
        light: Light { slope: (random.between(-0.03, 0.03), random.between(-0.02, 0.02)), ..Light::default() },
        blur: random.between(0.3, 0.7),
        copier: None,
        noise,
        tone,
    }
}

fn phone(sheet: &Canvas, room: Room, random: &mut Random) -> Capture {
    let (paper_w, paper_h) = paper_size(sheet, 1.0);
    // How far each corner may be from an upright paper's, and how much desk is seen.
    let (off, border) = match room.pose {
        Pose::Fills(slack) => (0.6 * slack * paper_w, 0.0),
        Pose::OnGround => (0.035 * paper_w, random.between(0.06, 0.12)),
    };
    let size =
        Size::new((paper_w * (1.0 + 2.0 * border)).round() as u32, (paper_h * (1.0 + 2.0 * border)).round() as u32);
    let (left, top) = (border * paper_w, border * paper_h);
    let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(u, v)| {
        let (dx, dy) = (random.between(-off, off), random.between(-off, off));
        Point::new(left + u * paper_w + dx, top + v * paper_h + dy)
    });
    const DESKS: [[u8; 3]; 5] = [[112, 78, 52], [64, 66, 72], [96, 70, 50], [40, 44, 50], [88, 60, 60]];
    let ground = match room.pose {
        Pose::Fills(_) => Ground::Even(214),
        Pose::OnGround => Ground::Wood(DESKS[random.below(DESKS.len())]),
    };
    let white = random.between(200.0, 240.0);
    let (warm, cool) = (random.between(0.0, 0.08), random.between(0.0, 0.03));
    Capture {
        size,
        corners,
        ground,
        white: [white * (1.0 - cool), white * (1.0 - warm / 4.0), white * (1.0 - warm)],
        grain: 0.02,
        light: Light {
            slope: (random.between(-0.2, 0.2), random.between(-0.2, 0.2)),
            vignette: random.between(0.05, 0.25),
            shades: Vec::new(),
        },
        blur: random.between(0.4, 0.9),
        copier: None,
        noise: random.between(1.8, 4.5),
        tone: Tone::Colour,
    }
}

/// One of `count` shadows of something beside the camera: its edge lies across the picture. Where all of them fall, at least
/// 45 % of the light are left.
fn shade(size: Size, count: usize, random: &mut Random) -> Shade {
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    let at = Point::new(random.between(0.15, 0.85) * w, random.between(0.15, 0.85) * h);
    let (x, y) = (random.between(-1.0, 1.0), random.between(-1.0, 1.0));
    let length = (x * x + y * y).sqrt().max(0.1);
    let width = w * if random.below(3) == 0 { random.between(0.01, 0.05) } else { random.between(0.1, 0.5) };
    Shade {
        at,
        towards: (x / length, y / length),
        width,
        depth: if count > 1 { random.between(0.15, 0.33) } else { random.between(0.25, 0.55) },
    }
}

fn paper_size(sheet: &Canvas, shrink: f64) -> (f64, f64) {
    let (width, height) = sheet.picture().dimensions();
    (f64::from(width) * shrink, f64::from(height) * shrink)
}

fn upside_down(picture: Picture) -> Picture {
    match picture {
        Picture::Gray(mut gray) => {
            image::imageops::rotate180_in_place(&mut gray);
            Picture::Gray(gray)
        }
        Picture::Colour(mut colour) => {
            image::imageops::rotate180_in_place(&mut colour);
            Picture::Colour(colour)
        }
    }
}
