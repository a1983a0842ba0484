//! `omr` reads folders of scanned or photographed answer sheets and writes the answers as CSV.
//!
//! The pipeline: [`options`] settles what was typed, [`walk`] finds folders and images and
//! which documents hold for each ([`config`], [`template`], [`evaluation`], read by way of [`json`]), [`plan`] makes
//! everything ready, [`batch`] hands sheets to workers, [`sheet`] reads one of them with the image operations of
//! [`imaging`], and [`outputs`] writes rows in input order. [`app`] holds it together.
//!
//! Beside it, [`rescore`] scores an earlier run again, [`doctor`] tells where a template is off, [`window`] shows pictures, and
//! [`deck`] makes sheets with known answers.

pub mod accuracy;
pub mod app;
pub mod batch;
pub mod certify;
pub mod cli;
pub mod config;
pub mod deadline;
pub mod deck;
pub mod dialect;
pub mod digest;
pub mod doctor;
pub mod evaluation;
pub mod exit;
pub mod file_content;
pub mod file_names;
pub mod geometry;
pub mod images;
pub mod imaging;
pub mod inputs;
pub mod job;
pub mod json;
pub mod labels;
pub mod links;
pub mod logging;
pub mod matcher;
pub mod merge;
pub mod options;
pub mod os_names;
pub mod outputs;
pub mod pages;
pub mod plan;
pub mod reach;
pub mod report_mark;
pub mod rescore;
pub mod scoring;
pub mod shard;
pub mod sheet;
pub mod signals;
pub mod statistics;
pub mod template;
pub mod tesseract;
pub mod walk;
pub mod watch;
pub mod window;
