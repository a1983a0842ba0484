//! What pressed keys mean. A press counts once, however long the key is held.

use std::cell::RefCell;
use std::rc::Rc;

use minifb::{InputCallback, Key};

use super::Answer;

/// Keys that were pressed since somebody asked, and those that are held.
#[derive(Debug, Default)]
pub struct Presses {
    held: Vec<Key>,
    fresh: Vec<Press>,
    /// The last event was a fresh press: a character that comes now is what it wrote.
    is_writing: bool,
}

/// A key that went down.
#[derive(Debug, Clone, Copy)]
struct Press {
    /// On some systems by its place on an English keyboard.
    key: Key,
    /// What it writes, if it does: what stands on the key.
    written: Option<char>,
}

impl Press {
    fn answer(self) -> Answer {
        let is_q = match self.written {
            Some(c) if c.is_ascii_alphabetic() => c.eq_ignore_ascii_case(&'q'),
            _ => self.key == Key::Q,
        };
        if is_q { Answer::Stop } else { Answer::GoOn }
    }
}

impl Presses {
    /// What was pressed since this was last asked; `q` is heard among other keys.
    pub fn answer(&mut self) -> Option<Answer> {
        self.is_writing = false;
        let answers = self.fresh.drain(..).map(Press::answer);
        answers.reduce(|a, b| if b == Answer::Stop { b } else { a })
    }

    /// Takes all keys to be up.
    pub fn let_go(&mut self) {
        self.held.clear();
    }

    fn key(&mut self, key: Key, is_down: bool) {
        self.is_writing = false;
        if !is_down {
            self.held.retain(|&held| held != key);
        } else if !self.held.contains(&key) {
            self.held.push(key);
            if !is_modifier(key) {
                self.fresh.push(Press { key, written: None });
                self.is_writing = true;
            }
        }
    }

    fn character(&mut self, character: u32) {
        if self.is_writing
            && let Some(press) = self.fresh.last_mut()
        {
            press.written = char::from_u32(character);
        }
        self.is_writing = false;
    }
}

/// Keys that are held or set for the sake of others.
fn is_modifier(key: Key) -> bool {
    use Key::{
        CapsLock, LeftAlt, LeftCtrl, LeftShift, LeftSuper, NumLock, RightAlt, RightCtrl, RightShift, RightSuper,
        ScrollLock,
    };
    let all = [
        CapsLock, LeftAlt, LeftCtrl, LeftShift, LeftSuper, NumLock, RightAlt, RightCtrl, RightShift, RightSuper,
        ScrollLock,
    ];
    all.contains(&key)
}

/// Notes what the library hears.
pub struct Listener(pub Rc<RefCell<Presses>>);

impl InputCallback for Listener {
    fn add_char(&mut self, character: u32) {
        self.0.borrow_mut().character(character);
    }

    fn set_key_state(&mut self, key: Key, is_down: bool) {
        self.0.borrow_mut().key(key, is_down);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(presses: &mut Presses, key: Key, written: Option<char>) {
        presses.key(key, true);
        if let Some(c) = written {
            presses.character(c.into());
        }
    }

    #[test]
    fn a_held_key_is_one_press() {
        let mut presses = Presses::default();
        pressed(&mut presses, Key::Space, Some(' '));
        assert_eq!(presses.answer(), Some(Answer::GoOn));
        for _ in 0..5 {
            pressed(&mut presses, Key::Space, Some(' '));
            assert_eq!(presses.answer(), None);
        }
        presses.key(Key::Space, false);
        pressed(&mut presses, Key::Space, Some(' '));
        assert_eq!(presses.answer(), Some(Answer::GoOn));
    }

    #[test]
    fn a_short_press_counts_and_q_is_heard_among_others() {
        let mut presses = Presses::default();
        for key in [Key::Q, Key::Enter] {
            pressed(&mut presses, key, None);
            presses.key(key, false);
        }
        assert_eq!(presses.answer(), Some(Answer::Stop));
        assert_eq!(presses.answer(), None);
    }

    #[test]
    fn modifiers_are_no_answer() {
        let mut presses = Presses::default();
        pressed(&mut presses, Key::LeftShift, None);
        assert_eq!(presses.answer(), None);
        pressed(&mut presses, Key::Q, Some('Q'));
        assert_eq!(presses.answer(), Some(Answer::Stop));
    }

    #[test]
    fn what_stands_on_the_key_counts() {
        let mut presses = Presses::default();
        for (key, written, want) in [
            (Key::A, Some('q'), Answer::Stop),
            (Key::Q, Some('a'), Answer::GoOn),
            (Key::Q, Some('й'), Answer::Stop),
            (Key::Q, Some('\u{11}'), Answer::Stop),
            (Key::X, Some('x'), Answer::GoOn),
        ] {
            pressed(&mut presses, key, written);
            presses.key(key, false);
            assert_eq!(presses.answer(), Some(want), "{key:?} {written:?}");
        }
    }

    #[test]
    fn keys_let_go_of_elsewhere_are_up() {
        let mut presses = Presses::default();
        pressed(&mut presses, Key::Tab, None);
        presses.answer();
        presses.let_go();
        pressed(&mut presses, Key::Tab, None);
        assert_eq!(presses.answer(), Some(Answer::GoOn));
    }
}
