//! Pictures of the stages of a sheet, for a person who wants to see what the program sees.
//!
//! Each stage offers a picture of what it just found ([`Stages::record`]); it is drawn only if somebody asked for its kind, so
//! that a run without pictures pays a comparison for each. Recorded pictures change no reading.
//!
//! What kinds there are, and from which level of `save_image_level` and `show_image_level` on, is [`Kind`]'s to say; it
//! follows both generations of OMRChecker as far as they agree. What pictures of later stages look like is told in
//! [`super::drawings`]; here nothing is known of a sheet.

use image::RgbImage;

use crate::geometry::Size;

/// What a stage picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The picture as it was decoded.
    Input,
    /// What a step that failed was looking at.
    Failure,
    /// What a step found: the outline of the page, marks.
    Found,
    /// What a step searched: edges, a filtered picture.
    Searched,
    /// What a step made.
    Step,
    /// The page that is read.
    Page,
    /// Where the template lies on the page, and where its blocks were moved to.
    Layout,
    /// The measured gray of each bubble, its field's threshold and the verdict.
    Ink,
    /// How the grays of the page are distributed, and where thresholds part them.
    Thresholds,
    /// The marked picture.
    Marked,
}

impl Kind {
    /// The lowest `save_image_level` that saves it.
    pub const fn saved_from(self) -> u8 {
        match self {
            Self::Input | Self::Failure | Self::Marked => 1,
            Self::Found => 2,
            Self::Page | Self::Layout => 3,
            Self::Step | Self::Ink => 4,
            Self::Searched => 5,
            Self::Thresholds => 6,
        }
    }

    /// The lowest `show_image_level` that shows it.
    pub const fn shown_from(self) -> u8 {
        match self {
            Self::Failure => 1,
            Self::Found | Self::Marked => 2,
            Self::Input | Self::Page | Self::Layout => 3,
            Self::Step | Self::Ink => 4,
            Self::Searched => 5,
            Self::Thresholds => 6,
        }
    }
}

/// Which stage pictures are wanted: two levels, 0 (none) to 6 (all).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Levels {
    /// `save_image_level`.
    pub saved: u8,
    /// `show_image_level`.
    pub shown: u8,
}

/// A stage picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// What it shows.
    pub kind: Kind,
    /// The stage's name: a word for a heading.
    pub title: String,
    /// What was found, in lines of text.
    pub notes: Vec<String>,
    /// The picture.
    pub picture: RgbImage,
}

/// What a stage offers.
pub struct Drawn {
    /// As in [`Stage::title`].
    pub title: String,
    /// As in [`Stage::notes`].
    pub notes: Vec<String>,
    /// As in [`Stage::picture`].
    pub picture: RgbImage,
}

/// The stage pictures of one sheet, in the order of the stages.
#[derive(Debug)]
pub struct Stages {
    levels: Levels,
    /// A picture is at most this large.
    most: Size,
    stages: Vec<Stage>,
}

/// Pictures of stages are at most this large: letters on them can be read, and a stack of them can be held.
const MOST: Size = Size::new(1080, 1620);

impl Stages {
    /// Records those of these levels, at most `width` pixels wide.
    pub fn of(levels: Levels, width: u32) -> Self {
        Self { levels, most: Size { width: width.min(MOST.width), ..MOST }, stages: Vec::new() }
    }

    /// Records nothing.
    pub fn off() -> Self {
        Self::of(Levels::default(), MOST.width)
    }

    /// Is a picture of this kind wanted?
    pub fn want(&self, kind: Kind) -> bool {
        self.levels.saved >= kind.saved_from() || self.levels.shown >= kind.shown_from()
    }

    /// Draws and keeps a picture of this kind, if it is wanted. `draw` is told the size that a picture has at most.
    pub fn record(&mut self, kind: Kind, draw: impl FnOnce(Size) -> Drawn) {
        if self.want(kind) {
            let Drawn { title, notes, picture } = draw(self.most);
            self.stages.push(Stage { kind, title, notes, picture });
        }
    }

    /// All that were recorded.
    pub fn all(&self) -> &[Stage] {
        &self.stages
    }

    /// Those that `save_image_level` asks for.
    pub fn saved(&self) -> impl Iterator<Item = &Stage> {
        self.stages.iter().filter(|stage| self.levels.saved >= stage.kind.saved_from())
    }

    /// Those that `show_image_level` asks for.
    pub fn shown(self) -> impl Iterator<Item = Stage> {
        let level = self.levels.shown;
        self.stages.into_iter().filter(move |stage| level >= stage.kind.shown_from())
    }

    /// How many failures were recorded.
    pub(super) fn failures(&self) -> usize {
        self.stages.iter().filter(|stage| stage.kind == Kind::Failure).count()
    }

    /// An empty recorder for another try of the same sheet.
    pub(super) fn another(&self) -> Self {
        Self { levels: self.levels, most: self.most, stages: Vec::new() }
    }

    /// Goes on with what another recorder has.
    pub(super) fn take(&mut self, other: Self) {
        self.stages.extend(other.stages);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn() -> Drawn {
        Drawn { title: "page".to_owned(), notes: Vec::new(), picture: RgbImage::new(2, 2) }
    }

    #[test]
    fn nothing_is_drawn_unless_a_level_asks_for_it() {
        let mut off = Stages::off();
        off.record(Kind::Failure, |_| panic!("nobody asked"));
        let mut some = Stages::of(Levels { saved: 2, shown: 0 }, 100);
        some.record(Kind::Page, |_| panic!("nobody asked"));
        some.record(Kind::Found, |_| drawn());
        assert_eq!(some.all().len(), 1);
    }

    #[test]
    fn what_is_shown_and_what_is_saved_are_two_levels() {
        let mut stages = Stages::of(Levels { saved: 1, shown: 2 }, 100);
        for kind in [Kind::Input, Kind::Found, Kind::Marked] {
            stages.record(kind, |_| drawn());
        }
        let kinds = |stages: Vec<&Stage>| stages.into_iter().map(|stage| stage.kind).collect::<Vec<_>>();
        assert_eq!(kinds(stages.saved().collect()), [Kind::Input, Kind::Marked]);
        assert_eq!(stages.shown().map(|stage| stage.kind).collect::<Vec<_>>(), [Kind::Found, Kind::Marked]);
    }
}
