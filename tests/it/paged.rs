//! Writers of PDF and TIFF files with pages, for tests: small, and able to write what no good writer would.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::GrayImage;
use std::io::Write;

/// A PDF that is put together object by object.
pub struct Pdf {
    /// By their numbers, from 1. The first two are the catalog and the page tree.
    objects: Vec<Vec<u8>>,
    pages: Vec<usize>,
    /// What the page tree says of the number of its pages, if that is not true.
    pub claimed_pages: Option<usize>,
    /// More entries of the trailer.
    pub trailer: String,
}

impl Pdf {
    pub fn new() -> Self {
        Self { objects: vec![Vec::new(); 2], pages: Vec::new(), claimed_pages: None, trailer: String::new() }
    }

    /// A file with a page of this size for each of these pictures, which covers it.
    pub fn of_pictures(pictures: &[Picture], width: u32, height: u32) -> Vec<u8> {
        let mut pdf = Self::new();
        for picture in pictures {
            pdf.picture_page(picture, (width, height), "", &format!("q {width} 0 0 {height} 0 0 cm /Im Do Q"));
        }
        pdf.finish()
    }

    pub fn object(&mut self, text: impl Into<Vec<u8>>) -> usize {
        self.objects.push(text.into());
        self.objects.len()
    }

    pub fn stream(&mut self, entries: &str, data: &[u8]) -> usize {
        let head = format!("<< {entries} /Length {} >>\nstream\n", data.len());
        self.object([head.as_bytes(), data, b"\nendstream"].concat())
    }

    pub fn picture(&mut self, picture: &Picture) -> usize {
        let Picture { entries, data, width, height } = picture;
        let entries = format!("/Type /XObject /Subtype /Image /Width {width} /Height {height} {entries}");
        self.stream(&entries, data)
    }

    /// A page that shows a picture as `/Im`.
    pub fn picture_page(&mut self, picture: &Picture, size: (u32, u32), entries: &str, content: &str) {
        let picture = self.picture(picture);
        self.page(size, &format!("/Resources << /XObject << /Im {picture} 0 R >> >> {entries}"), content);
    }

    pub fn page(&mut self, (width, height): (u32, u32), entries: &str, content: &str) {
        let content = self.stream("", content.as_bytes());
        let page = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents {content} 0 R {entries} >>"
        );
        let page = self.object(page);
        self.pages.push(page);
    }

    /// A page tree may lead to any object.
    pub fn kid(&mut self, number: usize) {
        self.pages.push(number);
    }

    pub fn finish(mut self) -> Vec<u8> {
        let kids: String = self.pages.iter().map(|page| format!("{page} 0 R ")).collect();
        let count = self.claimed_pages.unwrap_or(self.pages.len());
        self.objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>".to_vec();
        self.objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {count} >>").into_bytes();
        let mut file = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n".to_vec();
        let mut places = Vec::new();
        for (i, object) in self.objects.iter().enumerate() {
            places.push(file.len());
            file.extend(format!("{} 0 obj\n", i + 1).bytes());
            file.extend(object);
            file.extend(b"\nendobj\n");
        }
        let start = file.len();
        file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).bytes());
        places.iter().for_each(|place| file.extend(format!("{place:010} 00000 n \n").bytes()));
        let size = places.len() + 1;
        file.extend(format!("trailer << /Size {size} /Root 1 0 R {} >>\n", self.trailer).bytes());
        file.extend(format!("startxref\n{start}\n%%EOF\n").bytes());
        file
    }
}

/// The data of a picture in a PDF, and what its dictionary says of them.
#[derive(Clone)]
pub struct Picture {
    pub entries: String,
    pub data: Vec<u8>,
    pub width: u32,
    pub height: u32,
}

impl Picture {
    fn of(picture: &GrayImage, entries: &str, data: Vec<u8>) -> Self {
        Self { entries: entries.to_owned(), data, width: picture.width(), height: picture.height() }
    }

    /// The bytes of a gray JPEG of this size.
    pub fn jpeg(picture: &GrayImage, bytes: Vec<u8>) -> Self {
        Self::of(picture, "/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode", bytes)
    }

    /// The bytes of a colour JPEG of this size.
    pub fn colour_jpeg(width: u32, height: u32, bytes: Vec<u8>) -> Self {
        let entries = "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode".to_owned();
        Self { entries, data: bytes, width, height }
    }

    pub fn deflated(picture: &GrayImage) -> Self {
        let entries = "/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode";
        Self::of(picture, entries, deflated(picture.as_raw()))
    }

    /// With a filter of PNG's kind before each row.
    pub fn predicted(picture: &GrayImage) -> Self {
        let width = picture.width() as usize;
        let mut rows = Vec::new();
        for row in picture.as_raw().chunks_exact(width) {
            rows.push(1);
            rows.extend((0..width).map(|x| if x == 0 { row[0] } else { row[x].wrapping_sub(row[x - 1]) }));
        }
        let entries = format!(
            "/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns {width} >>"
        );
        Self::of(picture, &entries, deflated(&rows))
    }

    /// White is above 127.
    pub fn one_bit(picture: &GrayImage) -> Self {
        Self::of(picture, "/ColorSpace /DeviceGray /BitsPerComponent 1", bits(picture, 255))
    }

    /// Ink is painted, paper is not.
    pub fn stencil(picture: &GrayImage) -> Self {
        Self::of(picture, "/ImageMask true /BitsPerComponent 1 /Decode [1 0]", bits(picture, 0))
    }

    /// Indices of a palette of two colours.
    pub fn indexed(picture: &GrayImage) -> Self {
        let entries = "/ColorSpace [/Indexed /DeviceRGB 1 <ffffff141414>] /BitsPerComponent 1";
        Self::of(picture, entries, bits(picture, 0))
    }

    pub fn fax(picture: &GrayImage) -> Self {
        let width = picture.width();
        let entries = format!(
            "/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns {width} >>"
        );
        Self::of(picture, &entries, fax_4(picture))
    }
}

pub fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

/// Ink is black, from 127 down.
fn is_ink(gray: u8) -> bool {
    gray < 128
}

/// One bit a pixel; `set` is what has a 1: ink (0) or paper (255).
pub fn bits(picture: &GrayImage, set: u8) -> Vec<u8> {
    let rows = picture.as_raw().chunks_exact(picture.width() as usize);
    let byte = |pixels: &[u8]| {
        pixels.iter().enumerate().fold(0u8, |byte, (i, &gray)| byte | u8::from(is_ink(gray) == (set == 0)) << (7 - i))
    };
    rows.flat_map(|row| row.chunks(8).map(byte).collect::<Vec<_>>()).collect()
}

/// Group 4 fax data.
pub fn fax_4(picture: &GrayImage) -> Vec<u8> {
    let width = picture.width() as u16;
    let mut encoder = fax::encoder::Encoder::new(fax::VecWriter::new());
    for row in picture.as_raw().chunks_exact(usize::from(width)) {
        let colours = row.iter().map(|&gray| if is_ink(gray) { fax::Color::Black } else { fax::Color::White });
        encoder.encode_line(colours, width).expect("memory");
    }
    encoder.finish().expect("memory").finish()
}

/// A page of a TIFF: entries of its directory (tag, kind 3 or 4, numbers), and the data of its strips.
pub struct TiffPage {
    pub entries: Vec<(u16, u16, Vec<u32>)>,
    pub strips: Vec<Vec<u8>>,
}

impl TiffPage {
    /// One strip of data, packed in this way, one sample a pixel.
    pub fn new(picture: &GrayImage, bits: u32, packing: u32, means: u32, data: Vec<u8>) -> Self {
        let (width, height) = picture.dimensions();
        let entries = [(256, width), (257, height), (258, bits), (259, packing), (262, means), (277, 1), (278, height)];
        let entries = entries.map(|(tag, number)| (tag, if number > 65_535 { 4 } else { 3 }, vec![number]));
        Self { entries: entries.into(), strips: vec![data] }
    }

    pub fn with(mut self, tag: u16, numbers: &[u32]) -> Self {
        self.entries.retain(|(other, ..)| *other != tag);
        self.entries.push((tag, 3, numbers.to_vec()));
        self
    }
}

/// A little-endian TIFF of these pages.
pub fn tiff(pages: Vec<TiffPage>) -> Vec<u8> {
    let mut file = b"II*\0".to_vec();
    let mut reference = file.len();
    file.extend([0; 4]);
    for mut page in pages {
        let mut places = Vec::new();
        for strip in &page.strips {
            places.push(file.len() as u32);
            file.extend(strip);
            if file.len() % 2 == 1 {
                file.push(0);
            }
        }
        let lengths = page.strips.iter().map(|strip| strip.len() as u32).collect();
        page.entries.extend([(273, 4, places), (279, 4, lengths)]);
        page.entries.sort_by_key(|(tag, ..)| *tag);
        let mut directory = (page.entries.len() as u16).to_le_bytes().to_vec();
        for (tag, kind, numbers) in &page.entries {
            directory.extend(tag.to_le_bytes());
            directory.extend(kind.to_le_bytes());
            directory.extend((numbers.len() as u32).to_le_bytes());
            let mut field: Vec<u8> = numbers
                .iter()
                .flat_map(|number| number.to_le_bytes()[..if *kind == 3 { 2 } else { 4 }].to_vec())
                .collect();
            if field.len() > 4 {
                let place = file.len() as u32;
                file.extend(&field);
                field = place.to_le_bytes().to_vec();
            }
            field.resize(4, 0);
            directory.extend(field);
        }
        let place = file.len() as u32;
        file[reference..reference + 4].copy_from_slice(&place.to_le_bytes());
        file.extend(directory);
        reference = file.len();
        file.extend([0; 4]);
    }
    file
}

/// Packed as PackBits has it: runs of up to 128 bytes.
pub fn packed_bits(data: &[u8], row: usize) -> Vec<u8> {
    let mut packed = Vec::new();
    for row in data.chunks(row) {
        for run in row.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(128)) {
            if run.len() == 1 {
                packed.extend([0, run[0]]);
            } else {
                packed.extend([(257 - run.len()) as u8, run[0]]);
            }
        }
    }
    packed
}
