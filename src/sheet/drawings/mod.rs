//! What stage pictures of a page show: the template on it, its ink, its thresholds; and all of a sheet in one picture.

pub mod histogram;
pub mod ink;
pub mod layout;
pub mod stack;
