//! The page of a sheet with its template drawn on it, for a person who measures a template: nothing is scored or written of
//! what the sheet says.

use image::RgbImage;

use super::decode::scan::Scan;
use super::drawings::{layout, stack};
use super::stages::{Kind, Levels, Stages};
use super::{Placed, Scratch, SheetContext, SheetError, place};
use crate::geometry::Size;
use crate::scoring::SheetName;

/// Why a page could not be made, and what can be shown of it.
#[derive(Debug)]
pub struct NoPage {
    /// Why.
    pub error: SheetError,
    /// What the step that failed was looking at, with the reason above it; `None` of a file that holds no picture.
    pub picture: Option<RgbImage>,
}

/// Stages of a sheet that failed show what the step was looking at from here on.
const FAILURES: Levels = Levels { saved: Kind::Failure.saved_from(), shown: 0 };

/// The page with the template's layout on it, at the template's size. Where a template has several layouts, it is the one
/// that the sheet would be read by.
///
/// # Errors
/// [`NoPage`].
pub fn page_with_layout(
    scan: &Scan,
    context: &SheetContext,
    name: SheetName<'_>,
    scratch: &mut Scratch,
) -> Result<RgbImage, NoPage> {
    let mut stages = Stages::of(FAILURES, u32::MAX);
    match place(scan, context, name, scratch, &mut stages) {
        Ok(Placed { page, layout, alignment }) => {
            let size = Size::new(page.gray.width(), page.gray.height());
            let set = context.layout_name(layout);
            Ok(layout::on_page(&page.gray, context.layout(layout), &alignment, set, size).picture)
        }
        Err(error) => {
            let failures = stages.all().iter().filter(|stage| stage.kind == Kind::Failure);
            Err(NoPage { error, picture: stack::stack(failures) })
        }
    }
}
