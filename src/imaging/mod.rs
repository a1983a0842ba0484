//! Image operations that know no template: each is a free function on 8-bit pictures.
pub mod orient;
pub mod overlay;
