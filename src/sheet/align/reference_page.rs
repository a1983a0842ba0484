//! The page of a reference picture, and how a sheet's page lies on it: what all layouts of a template have in common, made
//! once a template and once a sheet.

use std::cell::OnceCell;
use std::path::Path;

use image::GrayImage;

use crate::deadline::Deadline;
use crate::imaging::registration::Reference;
use crate::imaging::resize;
use crate::imaging::robust::Model;
use crate::imaging::warp::Homography;
use crate::sheet::Scratch;
use crate::sheet::page::Page;
use crate::sheet::preprocess::{LoadPicture, PrepareError, Raster, Steps};
use crate::sheet::stages::Stages;
use crate::template::Template;

/// The page of a reference picture.
pub(super) struct ReferencePage {
    /// The page, and copies of it, each half as large as the one before.
    pub(super) pages: Vec<GrayImage>,
    /// The page as a whole, if it has enough print; a second opinion on where blocks lie.
    whole: Option<Reference>,
}

impl ReferencePage {
    /// Loads a reference, and brings it to the page as a sheet is.
    ///
    /// # Errors
    /// [`PrepareError`]: it cannot be loaded, or the template's steps fail on it.
    pub(super) fn load(
        template: &Template,
        reference: &Path,
        steps: &Steps,
        load: LoadPicture<'_>,
    ) -> Result<GrayImage, PrepareError> {
        let raster = Raster { gray: load(reference)?, colour: None, unfiltered: None };
        let raster = steps.apply(raster, false, &mut Scratch::default(), &mut Stages::off()).map_err(|e| {
            PrepareError::Asset {
                path: reference.to_path_buf(),
                detail: format!("the template's own steps fail on the picture to align with: {e}"),
            }
        })?;
        Ok(Page::of(raster, template.page_size, false).gray)
    }

    /// Of a page that sheets are compared with on so many copies; `None`: they are not.
    pub(super) fn new(page: GrayImage, copies: Option<usize>) -> Self {
        let whole = copies.and_then(|_| Reference::new(&page));
        Self { pages: halved(page, copies.unwrap_or(0)), whole }
    }
}

/// A sheet's page beside the reference's. What is asked for is made at the first time.
pub struct SheetPage<'p> {
    page: &'p GrayImage,
    pages: OnceCell<Vec<GrayImage>>,
    whole: OnceCell<Option<Homography>>,
    /// When the sheet must be done.
    deadline: Deadline,
}

impl<'p> SheetPage<'p> {
    /// A page of the template's size.
    pub fn of(page: &'p GrayImage) -> Self {
        Self { page, pages: OnceCell::new(), whole: OnceCell::new(), deadline: Deadline::NEVER }
    }

    /// The same, of a sheet that must be done by then.
    pub fn until(self, deadline: Deadline) -> Self {
        Self { deadline, ..self }
    }

    /// When the sheet must be done.
    pub const fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// The page and copies of it, as many as the reference has.
    pub(super) fn pages(&self, reference: &ReferencePage) -> &[GrayImage] {
        self.pages.get_or_init(|| halved(self.page.clone(), reference.pages.len().saturating_sub(1)))
    }

    /// Where the page as a whole takes the reference's places, if that can be told.
    pub(super) fn whole(&self, reference: &ReferencePage) -> Option<Homography> {
        *self.whole.get_or_init(|| {
            let found = reference.whole.as_ref()?.register(self.page, Model::Affine).ok()?;
            found.map.inverse()
        })
    }
}

/// A picture and copies of it, each half as large as the one before: `count` of them.
fn halved(page: GrayImage, count: usize) -> Vec<GrayImage> {
    let mut pages = vec![page];
    for i in 0..count {
        let half = resize::shrunk(&pages[i], 2);
        pages.push(half);
    }
    pages
}
