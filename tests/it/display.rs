//! A display of its own for a test (Xvfb), and a person at it: sees windows, reads titles, presses keys.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};
use x11rb::CURRENT_TIME;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt, EventMask, ImageFormat, InputFocus,
    KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MapState, Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

/// Nothing that a test waits for takes longer, on the slowest of machines.
const PATIENCE: Duration = Duration::from_secs(60);

/// Keysyms (X11 protocol, appendix A).
pub const SPACE: u32 = 0x20;
pub const Q: u32 = 0x71;
pub const RETURN: u32 = 0xff0d;
pub const SHIFT: u32 = 0xffe1;

/// Asks again and again until there is an answer.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A display without a window manager, and a connection to it.
pub struct Display {
    server: Server,
    /// Its name, for `DISPLAY`.
    pub name: String,
    connection: RustConnection,
    root: Window,
}

/// Ends with the test, however that ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended of itself.
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

impl Display {
    /// A fresh display; `None` if Xvfb is not installed.
    pub fn start() -> Option<Self> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-ac"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut server = match child {
            Ok(child) => Server(child),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("skipped: Xvfb is not installed");
                return None;
            }
            Err(error) => panic!("Xvfb does not start: {error}"),
        };
        let stdout = BufReader::new(server.0.stdout.take().expect("a pipe"));
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(stdout.lines().next()));
        let number = receiver.recv_timeout(PATIENCE).expect("Xvfb comes up");
        let name = format!(":{}", number.expect("the number of the display").expect("text").trim());
        let (connection, screen) = RustConnection::connect(Some(&name)).expect("a connection");
        let root = connection.setup().roots[screen].root;
        Some(Self { server, name, connection, root })
    }

    /// Is the server still there?
    pub fn is_up(&mut self) -> bool {
        self.server.0.try_wait().expect("a state").is_none()
    }

    /// The window of `omr`, with its title.
    pub fn window(&self) -> Option<(Window, String)> {
        let windows = self.connection.query_tree(self.root).expect("sent").reply().expect("a tree").children;
        windows.into_iter().find_map(|window| Some((window, self.title(window)?)).filter(|(_, t)| t.starts_with("omr")))
    }

    /// `None` also if the window is gone meanwhile.
    fn title(&self, window: Window) -> Option<String> {
        let name = self.atom("_NET_WM_NAME");
        let reply = self.connection.get_property(false, window, name, AtomEnum::ANY, 0, 4096).expect("sent").reply();
        reply.ok().map(|property| String::from_utf8_lossy(&property.value).into_owned())
    }

    fn atom(&self, name: &str) -> u32 {
        self.connection.intern_atom(false, name.as_bytes()).expect("sent").reply().expect("an atom").atom
    }

    /// Waits for the window to say what picture it shows, and for that picture to be there; gives the window.
    pub fn shows(&self, what: &str) -> Window {
        let window = until(what, || self.window().filter(|(_, title)| title.contains(what)).map(|(window, _)| window));
        let is_viewable = || {
            let attributes = self.connection.get_window_attributes(window).expect("sent").reply().expect("attributes");
            (attributes.map_state == MapState::VIEWABLE).then_some(())
        };
        until("the window is on the screen", is_viewable);
        until("a picture is in the window", || picture_in(&self.pixels(window)).map(|_| ()));
        window
    }

    /// What is in a window.
    pub fn pixels(&self, window: Window) -> RgbImage {
        let size = self.connection.get_geometry(window).expect("sent").reply().expect("a size");
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, size.width, size.height, u32::MAX);
        // 32 bits a pixel: blue, green, red, nothing.
        let data = image.expect("sent").reply().expect("pixels").data;
        let bytes = data.chunks_exact(4).flat_map(|bgr| [bgr[2], bgr[1], bgr[0]]).collect();
        RgbImage::from_raw(size.width.into(), size.height.into(), bytes).expect("pixels of the window's size")
    }

    /// Gives a window another size.
    pub fn resize(&self, window: Window, width: u32, height: u32) {
        let size = ConfigureWindowAux::new().width(width).height(height);
        self.connection.configure_window(window, &size).expect("sent").check().expect("another size");
    }

    /// Presses a key and lets it go.
    pub fn tap(&self, window: Window, key: u32) {
        self.hold(window, key);
        self.let_go(key);
    }

    /// Presses a key, in this window.
    pub fn hold(&self, window: Window, key: u32) {
        let focus = self.connection.set_input_focus(InputFocus::PARENT, window, CURRENT_TIME);
        focus.expect("sent").check().expect("the focus");
        self.key(KEY_PRESS_EVENT, key);
    }

    /// Lets a key go.
    pub fn let_go(&self, key: u32) {
        self.key(KEY_RELEASE_EVENT, key);
    }

    fn key(&self, event: u8, key: u32) {
        let setup = self.connection.setup();
        let first = setup.min_keycode;
        let map = self.connection.get_keyboard_mapping(first, setup.max_keycode - first + 1);
        let map = map.expect("sent").reply().expect("a keyboard");
        let codes = map.keysyms.chunks(map.keysyms_per_keycode.into());
        let code = codes.zip(first..).find(|(symbols, _)| symbols[0] == key).expect("a key").1;
        let sent = self.connection.xtest_fake_input(event, code, CURRENT_TIME, self.root, 0, 0, 0);
        sent.expect("sent").check().expect("a key pressed");
    }

    /// Closes a window as a window manager does when its cross is clicked.
    pub fn close(&self, window: Window) {
        let data = [self.atom("WM_DELETE_WINDOW"), CURRENT_TIME, 0, 0, 0];
        let event = ClientMessageEvent::new(32, window, self.atom("WM_PROTOCOLS"), data);
        self.connection
            .send_event(false, window, EventMask::NO_EVENT, event)
            .expect("sent")
            .check()
            .expect("a message");
    }
}

/// The colour around pictures.
const GROUND: Rgb<u8> = Rgb([72, 76, 82]);

/// The picture that a window shows, below its texts; `None` if there is none, or only one colour.
pub fn picture_in(pixels: &RgbImage) -> Option<RgbImage> {
    let (width, height) = pixels.dimensions();
    let is_ground = |x: u32, y: u32| *pixels.get_pixel(x, y) == GROUND;
    // Below the texts, ground is at the left edge: beside the picture, or above it.
    let strip = (0..height).find(|&y| is_ground(0, y))?;
    let inside: Vec<(u32, u32)> =
        (strip..height).flat_map(|y| (0..width).map(move |x| (x, y))).filter(|&(x, y)| !is_ground(x, y)).collect();
    let (x0, x1) = (inside.iter().map(|p| p.0).min()?, inside.iter().map(|p| p.0).max()?);
    let (y0, y1) = (inside.iter().map(|p| p.1).min()?, inside.iter().map(|p| p.1).max()?);
    let picture = image::imageops::crop_imm(pixels, x0, y0, x1 - x0 + 1, y1 - y0 + 1).to_image();
    let first = *picture.get_pixel(0, 0);
    picture.pixels().any(|p| *p != first).then_some(picture)
}

/// A program that runs while the test goes on.
pub struct Running(Option<Child>);

impl Running {
    /// Starts it.
    pub fn start(mut command: Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Self(Some(child.expect("omr starts")))
    }

    /// Waits for its end.
    pub fn end(mut self) -> std::process::Output {
        until("omr ends", || self.0.as_mut()?.try_wait().expect("a state"));
        self.0.take().expect("not ended twice").wait_with_output().expect("its output")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ended = child.kill();
            let _ended = child.wait();
        }
    }
}
