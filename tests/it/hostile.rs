//! Attacks: pictures that claim much and hold little, bombs, documents without measure. Each ends soon, in little memory,
//! with a row or an error that says what is wrong.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::paged::{self, Pdf};
use crate::support::{Workspace, samples_dir};
use crate::watched::Seen;

/// Far more than any of these takes; machines that test are busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A zlib stream of `count` zeros: one literal, then copies of 258 bytes at distance 1, by the fixed codes (RFC 1951, 3.2.6).
fn zeros(count: u64) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0b011, 3);
    let mut left = count;
    if left > 0 {
        bits.push(0b0000_1100, 8);
        left -= 1;
    }
    while left >= 258 {
        // Code 285 is 11000101, written from its highest bit on; then distance code 0.
        bits.push(0b1010_0011, 8);
        bits.push(0, 5);
        left -= 258;
    }
    (0..left).for_each(|_| bits.push(0b0000_1100, 8));
    bits.push(0, 7);
    let mut stream = vec![0x78, 0x01];
    stream.extend(bits.finish());
    // Adler-32 of zeros.
    let sum = ((count % 65_521) as u32) << 16 | 1;
    stream.extend(sum.to_be_bytes());
    stream
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        self.held |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.held as u8);
        }
        self.bytes
    }
}

/// CRC-32 of a PNG chunk, by a table (PNG specification, annex D).
fn crc32(bytes: &[u8]) -> u32 {
    let table: Vec<u32> =
        (0..256u32).map(|n| (0..8).fold(n, |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })).collect();
    !bytes.iter().fold(u32::MAX, |crc, &b| table[((crc ^ u32::from(b)) & 255) as usize] ^ (crc >> 8))
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend((data.len() as u32).to_be_bytes());
    let start = png.len();
    png.extend(kind);
    png.extend(data);
    let crc = crc32(&png[start..]);
    png.extend(crc.to_be_bytes());
}

/// A PNG by its header's numbers, with chunks before its data.
fn png(side: u32, [depth, colour, interlace]: [u8; 3], before: &[(&[u8; 4], Vec<u8>)], data: &[u8]) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [side.to_be_bytes(), side.to_be_bytes()].concat();
    header.extend([depth, colour, 0, 0, interlace]);
    chunk(&mut png, b"IHDR", &header);
    for (kind, data) in before {
        chunk(&mut png, kind, data);
    }
    chunk(&mut png, b"IDAT", data);
    chunk(&mut png, b"IEND", &[]);
    png
}

/// A gray TIFF by the entries of its one directory, (tag, type, count, value), and its data at byte 8.
fn tiff(entries: &[(u16, u16, u32, u32)], data: &[u8], next: u32) -> Vec<u8> {
    let mut bytes = b"II*\0".to_vec();
    bytes.extend((8 + data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(next.to_le_bytes());
    bytes
}

/// The entries of a gray TIFF of `side`², with its strips.
fn strips(side: u32, compression: u32, count: u32, rows: u32, bytes: u32) -> Vec<(u16, u16, u32, u32)> {
    vec![
        (256, 4, 1, side),
        (257, 4, 1, side),
        (258, 3, 1, 8),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (273, 4, count, 8),
        (277, 3, 1, 1),
        (278, 4, 1, rows),
        (279, 4, count, bytes),
    ]
}

fn bmp(width: i32, height: i32, depth: u16, compression: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    let offset = 54 + if depth == 8 { 1024 } else { 0 };
    bytes.extend((offset + data.len() as u32).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(offset.to_le_bytes());
    bytes.extend(40u32.to_le_bytes());
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend(1u16.to_le_bytes());
    bytes.extend(depth.to_le_bytes());
    bytes.extend(compression.to_le_bytes());
    bytes.extend([0; 20]);
    if depth == 8 {
        bytes.extend((0..=255u8).flat_map(|v| [v, v, v, 0]));
    }
    bytes.extend(data);
    bytes
}

/// A WebP whose canvas is claimed by an extended header.
fn webp(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((12 + data.len() as u32).to_le_bytes());
    bytes.extend(b"WEBP");
    bytes.extend(kind);
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes
}

/// A progressive gray JPEG of `side`² with so many scans, each of which says of all blocks that nothing changes.
fn jpeg_of_scans(side: u16, scans: usize) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8];
    let mut segment = |marker: u8, data: &[u8]| {
        bytes.extend([0xff, marker]);
        bytes.extend((data.len() as u16 + 2).to_be_bytes());
        bytes.extend(data);
    };
    segment(0xdb, &[[0].as_slice(), &[1; 64]].concat());
    let [high, low] = side.to_be_bytes();
    segment(0xc2, &[8, high, low, high, low, 1, 1, 0x11, 0]);
    // One symbol of one bit: of DC no difference, of AC the end of the band.
    let table = |class: u8, symbol: u8| [[class].as_slice(), &[1], &[0; 15], &[symbol]].concat();
    segment(0xc4, &table(0x00, 0));
    segment(0xc4, &table(0x10, 0));
    let blocks = usize::from(side).div_ceil(8).pow(2);
    segment(0xda, &[1, 1, 0x00, 0, 0, 0]);
    bytes.extend(vec![0; blocks.div_ceil(8)]);
    for _ in 1..scans {
        bytes.extend([0xff, 0xda, 0, 8, 1, 1, 0x00, 1, 63, 0]);
        bytes.extend(vec![0; blocks.div_ceil(8)]);
    }
    bytes.extend([0xff, 0xd9]);
    bytes
}

/// Reasons of unreadable files, and those of whole sheets that were read.
fn reasons(workspace: &Workspace) -> BTreeMap<String, String> {
    let rows = workspace.csv("out/Manual/Review.csv");
    let whole = rows.iter().skip(1).filter(|row| row[2].is_empty());
    whole.map(|row| (row[0].clone(), row[5].clone())).collect()
}

/// The first column of Results.csv, its name in front.
fn read(workspace: &Workspace) -> Vec<String> {
    workspace.csv("out/Results/Results.csv").into_iter().map(|row| row[0].clone()).collect()
}

fn plain_template() -> Vec<u8> {
    fs::read(samples_dir().join("plain/template.json")).unwrap()
}

#[test]
fn pictures_that_claim_much_and_bombs_have_their_rows_in_little_memory() {
    const SIDE: u32 = 4_000;
    let workspace = Workspace::new();
    workspace.write("in/template.json", plain_template());
    // Sixteen million pixels are accepted, so that what is whole can be decoded by a test.
    workspace.write("in/config.json", r#"{"limits": {"max_pixels": 16000000, "max_file_bytes": 30000000}}"#);
    let row = |bytes: u64| zeros(u64::from(SIDE) * (u64::from(SIDE) * bytes + 1));
    let gray = png(SIDE, [8, 0, 0], &[], &row(1));
    let cut = &row(8)[..5000];
    let text = [b"Comment\0\0".as_slice(), &zeros(200 << 20)].concat();
    let profile = [b"icc\0\0".as_slice(), &zeros(200 << 20)].concat();
    let attacks: Vec<(&str, Vec<u8>, &str)> = vec![
        // Whole pages of black: nothing is on them, and they are read.
        ("a-bomb.png", gray.clone(), "low-contrast"),
        ("a-text.png", png(SIDE, [8, 0, 0], &[(b"zTXt", text)], &row(1)), "low-contrast"),
        ("a-profile.png", png(SIDE, [8, 0, 0], &[(b"iCCP", profile)], &row(1)), "low-contrast"),
        ("a-runs.bmp", bmp(SIDE as i32, SIDE as i32, 8, 1, &[0, 1]), "low-contrast"),
        (
            "a-strip.tif",
            {
                let data = row(1);
                tiff(&strips(SIDE, 8, 1, SIDE, data.len() as u32), &data, 0)
            },
            "low-contrast",
        ),
        ("a-scans.jpg", jpeg_of_scans(800, 90), "orientation-uncertain"),
        // Too large by what they claim.
        ("b-claim.png", png(60_000, [8, 0, 0], &[], &[]), "too-large"),
        ("b-deep.png", png(SIDE, [16, 6, 0], &[], cut), "corrupt"),
        ("b-interlaced.png", png(SIDE, [16, 6, 1], &[], cut), "too-large"),
        ("b-claim.tif", tiff(&strips(60_000, 1, 1, 60_000, 100), &[0; 100], 0), "too-large"),
        ("b-claim.bmp", bmp(60_000, 60_000, 24, 0, &[0; 100]), "too-large"),
        ("b-claim.jpg", jpeg_of_scans(65_535, 1)[..400].to_vec(), "too-large"),
        // Within the limit by what they claim, and nearly empty.
        ("c-empty.png", png(SIDE, [8, 0, 0], &[], &zeros(100)), "corrupt"),
        ("c-empty.tif", tiff(&strips(SIDE, 1, 1, SIDE, 100), &[0; 100], 0), "corrupt"),
        ("c-empty.bmp", bmp(SIDE as i32, SIDE as i32, 24, 0, &[0; 100]), "truncated"),
        ("c-empty.jpg", jpeg_of_scans(4_000, 1)[..400].to_vec(), "truncated"),
        // Structures that contradict themselves.
        ("d-scans.jpg", jpeg_of_scans(800, 3_000), "unsupported-format"),
        ("d-long.bin.png", vec![0; 30_000_001], "too-large"),
    ];
    for (name, bytes, _) in &attacks {
        workspace.write(format!("in/{name}"), bytes);
    }
    // Whatever becomes of these, they have a row.
    let loops = tiff(&strips(100, 1, 1, 100, 10_000), &[0; 10_000], 8 + 10_000);
    let odd: Vec<(&str, Vec<u8>)> = vec![
        ("e-loop.tif", loops),
        ("e-claim.webp", webp(b"VP8L", &[0x2f, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0])),
        ("e-no-rows.tif", tiff(&strips(SIDE, 1, 1, 0, 100), &[0; 100], 0)),
        ("e-strips.tif", tiff(&strips(SIDE, 1, u32::MAX, 1, 100), &[0; 100], 0)),
        ("e-offset.tif", tiff(&strips(SIDE, 8, 1, SIDE, u32::MAX), &[0; 100], u32::MAX)),
        ("e-entries.tif", tiff(&vec![(700, 1, u32::MAX, 8); 65_535], &[], 0)),
        ("e-negative.bmp", bmp(i32::MIN, i32::MIN, 24, 0, &[])),
        ("e-canvas.webp", webp(b"VP8X", &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
        ("e-sizes.webp", [webp(b"VP8 ", &[0; 10]), vec![0xff; 8]].concat()),
    ];
    for (name, bytes) in &odd {
        workspace.write(format!("in/{name}"), bytes);
    }
    let seen =
        Seen::run(workspace.command(&["-q", "-i", "in", "-o", "out", "--max-workers", "2", "--no-pictures"]), PATIENCE);
    seen.is_well("attacks", 700);
    let mut reasons = reasons(&workspace);
    for (name, _) in &odd {
        // A TIFF may seem to have several pages.
        let is_of_it = |id: &str| id.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("-p"));
        let told: Vec<String> = reasons.keys().filter(|id| is_of_it(id)).cloned().collect();
        let is_read = workspace.csv("out/Results/Results.csv").iter().any(|row| is_of_it(&row[0]));
        assert!(!told.is_empty() || is_read, "{name}");
        for id in told {
            assert_ne!(reasons.remove(&id).as_deref(), Some("internal-error"), "{id}");
        }
    }
    let want: BTreeMap<String, String> =
        attacks.iter().map(|(name, _, reason)| ((*name).to_owned(), (*reason).to_owned())).collect();
    assert_eq!(reasons, want);
}

#[test]
fn pages_of_pdfs_that_unpack_to_gigabytes_have_their_rows_in_little_memory() {
    const SIZE: (u32, u32) = (600, 800);
    let bomb = zeros(1 << 30);
    let twice = paged::deflated(&bomb);
    let page = |entries: &str, content: &str, streams: &[(&str, &[u8])]| {
        let mut pdf = Pdf::new();
        for (entries, data) in streams {
            pdf.stream(entries, data);
        }
        pdf.page(SIZE, entries, content);
        pdf.finish()
    };
    let flate = "/Filter /FlateDecode";
    let content = |filters: &str, data: &[u8]| {
        let mut pdf = Pdf::new();
        let content = pdf.stream(filters, data);
        let page = format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {content} 0 R >>");
        let page = pdf.object(page);
        pdf.kid(page);
        pdf.finish()
    };
    let shading = "/Resources << /Shading << /S << /ShadingType 2 /ColorSpace /DeviceGray /Coords [0 0 60 80] \
                   /Function 3 0 R >> >> >>";
    let font = "/Resources << /Font << /F << /Type /Font /Subtype /TrueType /BaseFont /X /FontDescriptor \
                << /Type /FontDescriptor /Flags 4 /FontName /X /FontFile2 3 0 R >> >> >> >>";
    let function = format!("/FunctionType 0 /Domain [0 1] /Range [0 1] /Size [3] /BitsPerSample 8 {flate}");
    let fax = "/Type /XObject /Subtype /Image /Width 600 /Height 800 /ColorSpace /DeviceGray /BitsPerComponent 1 \
               /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 4000000000 >>";
    let shows = "/Resources << /XObject << /Im 3 0 R >> >>";
    let hex: String = twice.iter().map(|byte| format!("{byte:02x}")).collect();
    let inline = format!("BI /W 9 /H 9 /CS /G /BPC 8 /F [/AHx /Fl /Fl] ID {hex}> EI");
    let attacks: Vec<(&str, Vec<u8>)> = vec![
        ("content.pdf", content(flate, &bomb)),
        ("content-twice.pdf", content("/Filter [/FlateDecode /FlateDecode]", &twice)),
        ("fax.pdf", page(shows, "q 600 0 0 800 0 0 cm /Im Do Q", &[(fax, &[0; 100])])),
        ("font.pdf", page(font, "BT /F 9 Tf 9 9 Td (aaa) Tj ET", &[(&format!("/Length1 9 {flate}"), &bomb)])),
        ("function.pdf", page(shading, "/S sh", &[(&function, &bomb)])),
        ("inline.pdf", page("", &inline, &[])),
        ("objects.pdf", pdf_of_packed_objects(1024)),
    ];
    let workspace = Workspace::new();
    workspace.write("in/template.json", plain_template());
    for (name, bytes) in &attacks {
        workspace.write(format!("in/{name}"), bytes);
    }
    let arguments = ["-q", "-i", "in", "-o", "out", "--max-workers", "1", "--no-pictures"];
    let seen = Seen::run(workspace.command(&arguments), PATIENCE);
    seen.is_well("attacks", 500);
    let want = attacks.iter().map(|(name, _)| ((*name).to_owned(), "too-large".to_owned()));
    assert_eq!(reasons(&workspace), want.collect());
}

#[test]
fn a_sheet_that_takes_too_long_has_its_row_and_its_neighbours_are_read() {
    let workspace = Workspace::new();
    workspace.copy_sample("four-markers", "in/soon");
    workspace.copy_sample("four-markers", "in/later");
    let config = |seconds: &str| {
        let text = fs::read_to_string(samples_dir().join("four-markers/config.json")).unwrap();
        text.trim_end().trim_end_matches('}').trim_end().to_owned()
            + &format!(r#", "limits": {{"seconds_per_sheet": {seconds}}}}}"#)
    };
    workspace.write("in/soon/config.json", config("0.001"));
    workspace.write("in/later/config.json", config("600"));
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let rows = workspace.csv("out/soon/Manual/Review.csv");
    assert_eq!(rows.len(), 4);
    for row in &rows[1..] {
        assert_eq!((row[2].as_str(), row[5].as_str(), row[6].as_str()), ("", "time-limit", "0.000"));
        assert!(row[4].contains("longer than 0.001 s (`limits.seconds_per_sheet`"), "{}", row[4]);
    }
    assert_eq!(workspace.csv("out/soon/Manual/ErrorFiles.csv").len(), 4);
    assert_eq!(workspace.csv("out/later/Results/Results.csv").len(), 4);
    // The layout of a page is drawn by the same stages.
    let run = workspace.omr(&["-i", "in/soon", "-o", "layouts", "--set-layout"]);
    assert!(run.stderr().contains("time-limit"), "{}", run.stderr());
}

/// A v2 template with these members instead of its own.
fn v2(blocks: &str, more: &str) -> String {
    format!(
        r#"{{"templateDimensions": [1000, 1400], "bubbleDimensions": [20, 20], "preProcessors": [],
            "fieldBlocks": {{{blocks}}}{more}}}"#
    )
}

fn zone(name: &str, labels: &str) -> String {
    format!(
        r#""{name}": {{"fieldDetectionType": "BARCODE_QR", "origin": [10, 10], "fieldLabels": [{labels}], "labelsGap": 0,
            "scanZone": {{"dimensions": [9, 9], "margins": {{"top": 0, "right": 0, "bottom": 0, "left": 0}}}}}}"#
    )
}

#[test]
fn documents_without_measure_are_errors_that_come_soon() {
    let block = |labels: &str, values: &str| {
        format!(
            r#""pageDimensions": [1000, 1400], "bubbleDimensions": [20, 20], "fieldBlocks": {{"A": {{"origin": [10, 10],
                "bubblesGap": 0, "labelsGap": 0, "fieldLabels": {labels}, "bubbleValues": {values}, "direction": "vertical"}}}}"#
        )
    };
    let simple = block(r#"["q1..3"]"#, r#"["A", "B"]"#);
    let many = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join(",");
    let own_block = |name: &str| zone(name, &format!("\"{name}\""));
    let set = |i: usize| {
        format!(
            r#"{{"name": "{i}", "matcher": {{"formatString": "{{a}}", "matchRegex": "{i}"}}, "fieldBlocks": {{{}}}}}"#,
            zone("b", &format!("\"x{i}\""))
        )
    };
    let attacks: Vec<(&str, String, &str)> = vec![
        ("depth", "[".repeat(1_000_000) + &"]".repeat(1_000_000), "more than 64 levels"),
        ("objects", "{\"a\":".repeat(500_000), "not valid JSON"),
        ("range", format!("{{{}}}", block(r#"["q1..1000000000"]"#, r#"["A"]"#)), "more than 10000 labels"),
        (
            "numbers",
            format!("{{{}}}", block(r#"["q1..99999999999999999999999"]"#, r#"["A"]"#)),
            "expected a name without dots",
        ),
        (
            "bubbles",
            format!("{{{}}}", block(r#"["q1..9999"]"#, &format!("[{}]", many(100_000, &|i| format!("\"{i}\""))))),
            "more than 200000 bubbles",
        ),
        (
            "zones",
            v2(&many(15_000, &|i| zone(&format!("b{i}"), &format!("\"b{i}_1..9999\""))), ""),
            "expected a name without dots",
        ),
        (
            "labels",
            v2(&many(15_000, &|i| zone(&format!("b{i}"), &format!("\"{}1..9999\"", letters(i)))), ""),
            "more than 200000 labels",
        ),
        (
            "custom",
            format!(r#"{{{simple}, "customLabels": {{{}}}}}"#, many(100_000, &|i| format!("\"c{i}\": [\"q1..9999\"]"))),
            "more than 200000 labels",
        ),
        (
            "sets",
            v2(&own_block("a"), &format!(r#", "conditionalSets": [{}]"#, many(9_000, &set))),
            "more than 1000 expressions",
        ),
        (
            "unknown",
            format!("{{{simple}, {}}}", many(250_000, &|i| format!("\"x{i}\": 0"))),
            "249900 more errors are not listed",
        ),
        ("twice", format!("{{{simple}, {}}}", many(200_000, &|_| "\"emptyValue\": \"\"".to_owned())), "emptyValue"),
        ("key", format!("{{{simple}, \"{}\": 0}}", "k".repeat(3_000_000)), "the key `kkkk"),
        ("value", format!("{{{simple}, \"emptyValue\": [\"{}\"]}}", "v".repeat(3_000_000)), "expected a string"),
        ("page", format!("{{{}}}", simple.replace("[1000, 1400]", "[1000000, 1000000]")), "from 1 to 32767"),
        (
            "large-page",
            format!("{{{}}}", simple.replace("[1000, 1400]", "[32000, 32000]")),
            "at most 40000000 can be worked on",
        ),
        ("bubble", format!("{{{}}}", simple.replace("[20, 20]", "[1e300, 1e300]")), "expected a whole number"),
        (
            "kernel",
            format!(
                r#"{{{simple}, "preProcessors": [{{"name": "GaussianBlur", "options": {{"kSize": [1000001, 3]}}}}]}}"#
            ),
            "from 0 to 999",
        ),
        (
            "median",
            format!(r#"{{{simple}, "preProcessors": [{{"name": "MedianBlur", "options": {{"kSize": 1000001}}}}]}}"#),
            "from 1 to 999",
        ),
        ("gap", format!("{{{}}}", simple.replace("\"bubblesGap\": 0", "\"bubblesGap\": 1e308")), "expected a number"),
    ];
    let sheet = fs::read(samples_dir().join("plain/page-1.png")).unwrap();
    for (name, template, message) in attacks {
        let workspace = Workspace::new();
        workspace.write("in/a.png", &sheet);
        workspace.write("in/template.json", &template);
        let seen = Seen::run(workspace.command(&["-i", "in", "-o", "out"]), PATIENCE);
        seen.is_well(name, 900);
        if name == "twice" {
            // Only a warning: the last one counts.
            assert!(seen.stderr.contains("more warnings are not listed"), "{name}: {}", head(&seen.stderr));
            continue;
        }
        assert_eq!(seen.code, Some(1), "{name}: {}", head(&seen.stderr));
        assert!(seen.stderr.contains(message), "{name}: {}\nexpected: {message}", head(&seen.stderr));
        assert!(seen.stderr.len() < 600_000, "{name}: {} bytes are said", seen.stderr.len());
    }
}

/// A number in letters, for labels that are no ranges by themselves.
fn letters(mut i: usize) -> String {
    let mut text = String::from("z");
    while i > 0 {
        text.push(char::from(b'a' + (i % 26) as u8));
        i /= 26;
    }
    text
}

fn head(text: &str) -> String {
    text.chars().take(600).collect()
}

#[test]
fn files_of_a_gigabyte_are_not_read() {
    let sparse = |path: std::path::PathBuf| File::create(path).unwrap().set_len(1 << 30).unwrap();
    for (file, message) in [
        ("template.json", "has more than 4194304 bytes"),
        ("config.json", "has more than 4194304 bytes"),
        ("evaluation.json", "has more than 4194304 bytes"),
        ("answer_key.csv", "the answer key has more than 4194304 bytes"),
    ] {
        let workspace = Workspace::new();
        workspace.copy_sample("scored-csv", "in");
        sparse(workspace.path("in").join(file));
        let seen = Seen::run(workspace.command(&["-i", "in", "-o", "out"]), PATIENCE);
        seen.is_well(file, 200);
        assert_eq!(seen.code, Some(1));
        assert!(seen.stderr.contains(message) && seen.stderr.contains(file), "{}", head(&seen.stderr));
    }
}

#[test]
fn evaluations_and_keys_without_measure_end_soon() {
    let many = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join("");
    let attacks: Vec<(&str, &str, String)> = vec![
        ("rows", "answer_key.csv", many(300_000, &|i| format!("q{i},A\n"))),
        ("lists", "answer_key.csv", format!("q1,\"{}\"\n", "[".repeat(2_000_000))),
        ("answers", "answer_key.csv", format!("q1,\"{}\"\n", "A,".repeat(1_000_000))),
        ("marks", "answer_key.csv", format!("q1,\"[['A', '{}'], ['B', 1e999999999]]\"\n", "9".repeat(1_000_000))),
        ("fraction", "answer_key.csv", format!("q1,\"[['A', '1/{}'], ['B', 1]]\"\n", "7".repeat(1_000_000))),
        ("quotes", "answer_key.csv", "\"".repeat(4_000_000)),
        (
            "local",
            "evaluation.json",
            format!(
                r#"{{"source_type": "custom", "options": {{"questions_in_order": [{}"z"], "answers_in_order": ["A"]}}}}"#,
                many(30_000, &|i| format!("\"{}1..9999\",", letters(i)))
            ),
        ),
    ];
    for (name, file, content) in attacks {
        let workspace = Workspace::new();
        workspace.copy_sample("scored-csv", "in");
        workspace.write(format!("in/{file}"), content);
        let seen = Seen::run(workspace.command(&["-i", "in", "-o", "out"]), PATIENCE);
        seen.is_well(name, 900);
        assert_eq!(seen.code, Some(1), "{name}: {}", head(&seen.stderr));
        assert!(seen.stderr.len() < 10_000_000, "{name}: {} bytes are said", seen.stderr.len());
    }
}

#[test]
fn a_tree_of_hundreds_of_levels_is_walked() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    let mut path = workspace.path("in");
    for _ in 0..400 {
        path.push("d");
    }
    fs::create_dir_all(&path).unwrap();
    workspace.omr(&["check", "in"]).succeeded();
}

/// A PDF of one page that shows the XObject `/Im`, which has these entries and data; it does not cover the page.
fn pdf_that_draws(entries: &str, data: &[u8]) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let object = pdf.stream(&format!("/Type /XObject {entries}"), data);
    let resources = format!("/Resources << /XObject << /Im {object} 0 R >> >>");
    pdf.page((200, 300), &resources, "q 100 0 0 100 10 10 cm /Im Do Q");
    pdf.finish()
}

/// JBIG2 segments of these numbers and kinds, of page 1.
fn jbig2(segments: &[(u32, u8, Vec<u8>)]) -> Vec<u8> {
    let segment = |(number, kind, data): &(u32, u8, Vec<u8>)| {
        [number.to_be_bytes().as_slice(), &[*kind, 0, 1], &(data.len() as u32).to_be_bytes(), data].concat()
    };
    segments.iter().flat_map(segment).collect()
}

/// The data of a JBIG2 page information segment.
fn jbig2_page(width: u32, height: u32) -> Vec<u8> {
    [width.to_be_bytes().as_slice(), &height.to_be_bytes(), &[0; 11]].concat()
}

/// A PDF whose objects, a page among them, lie packed in a stream of their own, followed by so many MiB of blanks.
fn pdf_of_packed_objects(mib: u64) -> Vec<u8> {
    Packed::default().pdf(mib)
}

/// How the objects of a PDF are packed.
struct Packed {
    /// What stands in front of the collection.
    before: &'static str,
    /// Entries of its dictionary.
    entries: String,
    /// What stands between the dictionary and the data.
    between: &'static str,
    /// Packs text.
    pack: fn(&mut dyn Read) -> Vec<u8>,
    /// The table lies elsewhere than the file says.
    has_lost_table: bool,
    /// So many MiB follow the rows of the table.
    mib_of_table: u64,
}

impl Default for Packed {
    fn default() -> Self {
        Self {
            before: "",
            entries: "/Type /ObjStm /Filter /FlateDecode".to_owned(),
            between: "\n",
            pack: deflate,
            has_lost_table: false,
            mib_of_table: 0,
        }
    }
}

impl Packed {
    /// The file; so many MiB of blanks follow the objects.
    fn pdf(&self, mib: u64) -> Vec<u8> {
        let objects = [
            "<< /Type /Catalog /Pages 3 0 R >>",
            "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            "<< /Type /Page /Parent 3 0 R /MediaBox [0 0 200 300] >>",
        ];
        let (mut places, mut text) = (String::new(), String::new());
        for (number, object) in (2..).zip(objects) {
            places += &format!("{number} {} ", text.len());
            text += &format!("{object} ");
        }
        let first = places.len();
        let text = places + &text;
        let packed = (self.pack)(&mut text.as_bytes().chain(std::io::repeat(b' ').take(mib << 20)));
        let mut file = format!("%PDF-1.5\n{}", self.before).into_bytes();
        let Self { entries, between, .. } = self;
        let (at, length) = (file.len() as u32, packed.len());
        file.extend(format!("1 0 obj\n<< /N 3 /First {first} {entries} /Length {length} >>{between}stream\n").bytes());
        file.extend([packed.as_slice(), b"\nendstream\nendobj\n"].concat());
        let table = file.len() as u32;
        // Kind, place or stream, number in the stream.
        let rows = [(0, 0, 0), (1, at, 0), (2, 1, 0), (2, 1, 1), (2, 1, 2), (1, table, 0)];
        let row = |(kind, place, number): (u8, u32, u8)| [&[kind][..], &place.to_be_bytes(), &[number]].concat();
        let rows = rows.into_iter().flat_map(row).collect::<Vec<u8>>();
        let rows = deflate(&mut rows.as_slice().chain(std::io::repeat(0).take(self.mib_of_table << 20)));
        let length = rows.len();
        file.extend(
            format!(
                "5 0 obj\n<< /Type /XRef /Size 6 /W [1 4 1] /Root 2 0 R /Filter /FlateDecode /Length {length} >>\nstream\n"
            )
            .bytes(),
        );
        file.extend([rows.as_slice(), b"\nendstream\nendobj\n"].concat());
        let told = if self.has_lost_table { 3 } else { table };
        file.extend(format!("startxref\n{told}\n%%EOF\n").bytes());
        file
    }
}

fn deflate(text: &mut dyn Read) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    std::io::copy(text, &mut encoder).unwrap();
    encoder.finish().unwrap()
}

fn lzw(text: &mut dyn Read) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    encoder.into_stream(&mut packed).encode_all(BufReader::new(text)).status.unwrap();
    packed
}

fn runs(text: &mut dyn Read) -> Vec<u8> {
    let (mut packed, mut bytes) = (Vec::new(), [0; 128]);
    loop {
        let count = text.read(&mut bytes).unwrap();
        match &bytes[..count] {
            [] => break,
            run if count > 1 && run.iter().all(|&byte| byte == run[0]) => packed.extend([(257 - count) as u8, run[0]]),
            other => {
                packed.push((count - 1) as u8);
                packed.extend(other);
            }
        }
    }
    packed.push(128);
    packed
}

#[test]
fn a_pdf_is_looked_at_before_its_objects_are_unpacked() {
    let entries = |entries: &str| Packed { entries: entries.to_owned(), ..Packed::default() };
    let flate = "/Filter /FlateDecode";
    // Objects are unpacked wherever a table says that they are, whatever their stream says of itself, and however they are packed.
    let ways: Vec<(&str, Packed)> = vec![
        ("plain", Packed::default()),
        ("comment", Packed { between: " % here it begins\n", ..Packed::default() }),
        ("untyped", entries(flate)),
        ("picture", entries(&format!("/Type /XObject /Subtype /Image /Width 9 /Height 9 {flate}"))),
        ("word", Packed { before: "7 0 obj /Image endobj\n", ..entries(flate) }),
        ("long", entries(&format!("/Long ({}) /Subtype /Image {flate}", "x".repeat(10_000)))),
        ("lzw", Packed { pack: lzw, ..entries("/Type /ObjStm /Filter /LZWDecode") }),
        ("runs", Packed { pack: runs, ..entries("/Type /ObjStm /Filter /RunLengthDecode") }),
        (
            "twice",
            Packed {
                pack: |text| paged::deflated(&deflate(text)),
                ..entries("/Type /ObjStm /Filter [/FlateDecode /FlateDecode]")
            },
        ),
        (
            "text",
            Packed {
                pack: |text| deflate(text).iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
                ..entries("/Type /ObjStm /Filter [/ASCIIHexDecode /FlateDecode]")
            },
        ),
        (
            "sum",
            Packed {
                pack: |text| {
                    let mut packed = deflate(text);
                    *packed.last_mut().unwrap() ^= 1;
                    packed
                },
                ..Packed::default()
            },
        ),
        // Without its table, objects are sought by what their streams say; and that may be spelt in many ways.
        ("lost", Packed { has_lost_table: true, ..Packed::default() }),
        ("spelt", Packed { has_lost_table: true, ..entries(&format!("/Type /Obj#53tm /Subtype /Image {flate}")) }),
    ];
    let workspace = Workspace::new();
    workspace.write("in/template.json", plain_template());
    for (name, way) in &ways {
        workspace.write(format!("in/{name}-few.pdf"), way.pdf(1));
        workspace.write(format!("in/{name}-many.pdf"), way.pdf(600));
    }
    workspace.write("in/table.pdf", Packed { mib_of_table: 600, ..Packed::default() }.pdf(0));
    // A picture that no table names is nobody's business before its page is read.
    let picture = format!(
        "7 0 obj\n<< /Subtype /Image /Width 9 /Height 9 /Filter /FlateDecode >>\nstream\n{}\nendstream\nendobj\n",
        "x".repeat(9)
    );
    let picture = Packed { before: Box::leak(picture.into_boxed_str()), ..Packed::default() };
    workspace.write("in/beside.pdf", picture.pdf(0));
    let seen = Seen::run(workspace.command(&["-q", "-i", "in", "-o", "out", "--no-pictures"]), PATIENCE);
    seen.is_well("objects", 400);
    let reasons = reasons(&workspace);
    let mut many: Vec<String> = ways.iter().map(|(name, _)| format!("{name}-many.pdf")).collect();
    many.push("table.pdf".to_owned());
    for name in &many {
        assert_eq!(reasons.get(name).map(String::as_str), Some("too-large"), "{name}: {reasons:?}");
    }
    let mut few: Vec<String> = ways.iter().map(|(name, _)| format!("{name}-few.pdf")).collect();
    few.extend(["beside.pdf".to_owned(), "file_id".to_owned()]);
    few.sort();
    let mut read = read(&workspace);
    read.sort();
    assert_eq!(read, few, "{reasons:?}");
}

#[cfg(unix)]
#[test]
fn a_list_of_earlier_files_that_is_no_file_does_not_hold_up_the_run() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in/pipe");
    workspace.copy_sample("plain", "in/device");
    for folder in ["pipe", "device"] {
        fs::create_dir_all(workspace.path(format!("in/{folder}/.omr"))).unwrap();
    }
    let pipe = std::process::Command::new("mkfifo").arg(workspace.path("in/pipe/.omr/written")).status();
    assert!(pipe.unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", workspace.path("in/device/.omr/written")).unwrap();
    let seen = Seen::run(workspace.command(&["-i", "in", "-o", "out", "--no-pictures"]), PATIENCE);
    seen.is_well("lists", 400);
    assert!(
        seen.stderr.contains("/.omr/written`, the list of what earlier runs wrote there, is no file"),
        "{}",
        seen.stderr
    );
    for folder in ["pipe", "device"] {
        assert_eq!(workspace.csv(format!("out/{folder}/Results/Results.csv")).len(), 4);
    }
}

#[test]
fn pages_that_are_drawn_are_looked_at_before_their_data_are_unpacked() {
    let workspace = Workspace::new();
    workspace.write("in/template.json", plain_template());
    // Pictures may have six million bytes; other data half a gigabyte.
    workspace.write("in/config.json", r#"{"limits": {"max_pixels": 2000000}}"#);
    let image = "/Subtype /Image /ColorSpace /DeviceGray /BitsPerComponent 8";
    let small = format!("{image} /Width 10 /Height 10");
    let with_form = |mut pdf: Pdf, entries: &str| {
        pdf.page((200, 300), &format!("/Resources << {entries} >>"), "q /G gs /F Do Q");
        pdf.finish()
    };
    let (bomb, large) = (zeros(1 << 30), zeros(10 << 20));
    let text: Vec<u8> = large.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
    let doubly = paged::deflated(&large);
    let lzw =
        weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(&vec![0; 10 << 20]).unwrap();
    let inline = "BI /W 10 /H 10 /CS /G /BPC 8 /F /CCF /DP << /K -1 /Columns 4000000000 >> ID 0000000000 EI";
    let claim = format!("/Type /XObject {image} /Width 60000 /Height 60000");
    let attacks: Vec<(&str, Vec<u8>, &str)> = vec![
        ("a-bomb.pdf", pdf_that_draws(&format!("{small} /Filter /FlateDecode"), &large), "too-large"),
        ("a-form.pdf", pdf_that_draws("/Subtype /Form /BBox [0 0 9 9] /Filter /FlateDecode", &bomb), "too-large"),
        (
            "a-content.pdf",
            {
                let mut pdf = Pdf::new();
                let content = pdf.stream("/Filter /FlateDecode", &bomb);
                let page = pdf
                    .object(format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents [{content} 0 R] >>"));
                pdf.kid(page);
                pdf.finish()
            },
            "too-large",
        ),
        // What a graphics state leads to, and what lies a hundred forms deep.
        (
            "a-mask.pdf",
            {
                let mut pdf = Pdf::new();
                let group =
                    "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Group << /S /Transparency /CS /DeviceGray >>";
                let picture = pdf.stream(&claim, b"7");
                let resources = format!("/Resources << /XObject << /Im {picture} 0 R >> >>");
                let form = pdf.stream(&format!("{group} {resources}"), b"/Im Do");
                let plain = pdf.stream(group, b"");
                let state = format!("/ExtGState << /G << /SMask << /S /Luminosity /G {form} 0 R >> >> >>");
                with_form(pdf, &format!("{state} /XObject << /F {plain} 0 R >>"))
            },
            "too-large",
        ),
        (
            "a-deep.pdf",
            {
                let mut pdf = Pdf::new();
                let mut form = pdf.stream(&claim, b"7");
                for _ in 0..100 {
                    let resources = format!("/Resources << /XObject << /F {form} 0 R >> >>");
                    form = pdf.stream(&format!("/Subtype /Form /BBox [0 0 9 9] {resources}"), b"/F Do");
                }
                with_form(pdf, &format!("/XObject << /F {form} 0 R >>"))
            },
            "too-large",
        ),
        ("b-claim.pdf", pdf_that_draws(&claim, b"7"), "too-large"),
        // Readers go by the short spelling where there are both.
        ("b-spelling.pdf", pdf_that_draws(&format!("{small} /W 60000 /H 60000"), b"7"), "too-large"),
        (
            "b-columns.pdf",
            {
                let fax = "/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 4000000000 >>";
                pdf_that_draws(&format!("{small} {fax}"), &[0; 100])
            },
            "too-large",
        ),
        (
            "b-jbig2.pdf",
            {
                // The smaller number comes later, and counts first.
                let data = jbig2(&[(1, 48, jbig2_page(10, 10)), (0, 48, jbig2_page(60_000, 60_000))]);
                pdf_that_draws(&format!("{small} /Filter /JBIG2Decode"), &data)
            },
            "too-large",
        ),
        (
            "b-stripes.pdf",
            {
                let end = 59_999u32.to_be_bytes().to_vec();
                let data = jbig2(&[(0, 48, jbig2_page(60_000, u32::MAX)), (1, 50, end)]);
                pdf_that_draws(&format!("{small} /Filter /JBIG2Decode"), &data)
            },
            "too-large",
        ),
        ("b-lzw.pdf", pdf_that_draws(&format!("{small} /Filter /LZWDecode"), &lzw), "too-large"),
        ("b-text.pdf", pdf_that_draws(&format!("{small} /Filter [/AHx /Fl]"), &text), "too-large"),
        ("b-doubly.pdf", pdf_that_draws(&format!("{small} /Filter [/Fl /Fl]"), &doubly), "too-large"),
        // In the content of a page, and in that of a form.
        (
            "c-inline.pdf",
            {
                let mut pdf = Pdf::new();
                pdf.page((200, 300), "", &format!("q {inline} Q"));
                pdf.finish()
            },
            "too-large",
        ),
        ("c-form.pdf", pdf_that_draws("/Subtype /Form /BBox [0 0 9 9]", inline.as_bytes()), "too-large"),
        // A part of a content, again and again.
        (
            "c-parts.pdf",
            {
                let mut pdf = Pdf::new();
                let part = pdf.stream("/Filter /FlateDecode", &zeros(10 << 20));
                let parts = format!("{part} 0 R ").repeat(200);
                let page =
                    pdf.object(format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents [{parts}] >>"));
                pdf.kid(page);
                pdf.finish()
            },
            "too-large",
        ),
        (
            "b-twice.pdf",
            {
                let data = paged::deflated(&jbig2(&[(0, 48, jbig2_page(60_000, 60_000))]));
                pdf_that_draws(&format!("{small} /Filter [/FlateDecode /JBIG2Decode]"), &data)
            },
            "unsupported-format",
        ),
    ];
    for (name, bytes, _) in &attacks {
        workspace.write(format!("in/{name}"), bytes);
    }
    let seen =
        Seen::run(workspace.command(&["-q", "-i", "in", "-o", "out", "--max-workers", "2", "--no-pictures"]), PATIENCE);
    seen.is_well("pages", 400);
    let want: BTreeMap<String, String> =
        attacks.iter().map(|(name, _, reason)| ((*name).to_owned(), (*reason).to_owned())).collect();
    assert_eq!(reasons(&workspace), want);
}

#[test]
fn a_page_with_a_great_many_forms_is_drawn() {
    let workspace = Workspace::new();
    workspace.write("in/template.json", plain_template());
    let mut pdf = Pdf::new();
    // If each were compared with all before it, the page would not be done in time.
    let names: String = (0..300_000)
        .map(|i| format!("/F{i} {} 0 R ", pdf.stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", b"")))
        .collect();
    pdf.page((200, 300), &format!("/Resources << /XObject << {names} >> >>"), "/F7 Do");
    workspace.write("in/many.pdf", pdf.finish());
    let seen = Seen::run(workspace.command(&["-q", "-i", "in", "-o", "out", "--no-pictures"]), PATIENCE);
    seen.is_well("forms", 700);
    assert_eq!(read(&workspace), ["file_id", "many.pdf"], "{:?}", reasons(&workspace));
}

#[test]
fn a_page_that_is_made_to_last_is_given_up_in_half_of_a_sheets_time() {
    let workspace = Workspace::new();
    workspace.write("in/template.json", plain_template());
    workspace.write("in/config.json", r#"{"limits": {"seconds_per_sheet": 3}}"#);
    // Each form draws the next one ten times, and a hundred thousand million of them are drawn in the end.
    let mut pdf = Pdf::new();
    let mut form = pdf.stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", b"0 0 1 1 re f");
    for _ in 0..11 {
        let resources = format!("/Resources << /XObject << /F {form} 0 R >> >>");
        form = pdf.stream(&format!("/Type /XObject /Subtype /Form /BBox [0 0 9 9] {resources}"), &b"/F Do ".repeat(10));
    }
    for _ in 0..20 {
        pdf.page((200, 300), &format!("/Resources << /XObject << /F {form} 0 R >> >>"), "/F Do");
    }
    workspace.write("in/long.pdf", pdf.finish());
    let seen = Seen::run(workspace.command(&["-q", "-i", "in", "-o", "out", "--max-workers", "2"]), PATIENCE);
    seen.is_well("forms", 400);
    let rows = workspace.csv("out/Manual/Review.csv");
    assert_eq!(rows.len(), 21);
    assert!(rows[1..].iter().all(|row| row[5] == "time-limit"), "{rows:?}");
    let given_up =
        "no picture was made of the page within half of the 3 s that a sheet may take (`limits.seconds_per_sheet`";
    let not_tried = "2 other pages of the file took too long, so this one was not tried";
    let count = |detail: &str| rows.iter().filter(|row| row[4].contains(detail)).count();
    // As many as there are workers may be on their way when the second is given up.
    assert!((2..=3).contains(&count(given_up)), "{rows:?}");
    assert_eq!(count(given_up) + count(not_tried), 20, "{rows:?}");
    assert!(seen.took < Duration::from_secs(30), "{:?}", seen.took);
}
