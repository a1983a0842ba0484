//! Names of files in JSON: a text, or the bytes of one that is not UTF-8, so that nothing is lost.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Name<'n> {
    Text(std::borrow::Cow<'n, str>),
    Bytes(Vec<u8>),
}

fn serialize_name<S: Serializer>(name: &OsStr, to: S) -> Result<S::Ok, S::Error> {
    match name.to_str() {
        Some(text) => Name::Text(text.into()).serialize(to),
        None => Name::Bytes(name.as_encoded_bytes().to_vec()).serialize(to),
    }
}

fn deserialize_name<'d, D: Deserializer<'d>>(from: D) -> Result<OsString, D::Error> {
    match Name::deserialize(from)? {
        Name::Text(text) => Ok(text.into_owned().into()),
        Name::Bytes(bytes) => from_bytes(bytes).ok_or_else(|| serde::de::Error::custom("a name of another system")),
    }
}

#[cfg(unix)]
fn from_bytes(bytes: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

#[cfg(not(unix))]
fn from_bytes(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(OsString::from)
}

/// For `#[serde(with)]` on an [`OsString`].
#[allow(missing_docs, reason = "the two functions that serde asks for")]
pub mod os_string {
    use super::*;

    pub fn serialize<S: Serializer>(name: &OsStr, to: S) -> Result<S::Ok, S::Error> {
        serialize_name(name, to)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<OsString, D::Error> {
        deserialize_name(from)
    }
}

/// For `#[serde(with)]` on a [`PathBuf`].
#[allow(missing_docs, reason = "the two functions that serde asks for")]
pub mod path {
    use super::*;

    pub fn serialize<S: Serializer>(path: &std::path::Path, to: S) -> Result<S::Ok, S::Error> {
        serialize_name(path.as_os_str(), to)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<PathBuf, D::Error> {
        deserialize_name(from).map(PathBuf::from)
    }
}

/// For `#[serde(with)]` on a [`PathBuf`] below a folder: one that leads out of it is refused.
#[allow(missing_docs, reason = "the two functions that serde asks for")]
pub mod below {
    use std::path::Component;

    use super::*;

    pub fn serialize<S: Serializer>(path: &std::path::Path, to: S) -> Result<S::Ok, S::Error> {
        serialize_name(path.as_os_str(), to)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<PathBuf, D::Error> {
        let path = deserialize_name(from).map(PathBuf::from)?;
        match path.components().all(|part| matches!(part, Component::Normal(_))) {
            true => Ok(path),
            false => Err(serde::de::Error::custom("a path that leads out of the output folder")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        #[serde(with = "path")]
        path: PathBuf,
        #[serde(with = "os_string")]
        name: OsString,
    }

    #[test]
    fn paths_below_a_folder_do_not_lead_out_of_it() {
        #[derive(Deserialize)]
        struct Below(#[serde(with = "below")] PathBuf);
        let read = |text: &str| serde_json::from_str::<Below>(text).map(|below| below.0);
        assert_eq!(read(r#""a/b.png""#).unwrap(), PathBuf::from("a/b.png"));
        assert_eq!(read(r#""""#).unwrap(), PathBuf::new());
        for out in [r#""../a""#, r#""a/../../b""#, r#""/etc/passwd""#] {
            assert!(read(out).is_err(), "{out}");
        }
    }

    #[test]
    fn names_come_back_whatever_they_are() {
        let there_and_back = |name: OsString| {
            let holder = Holder { path: PathBuf::from(&name), name };
            let text = serde_json::to_string(&holder).unwrap();
            assert_eq!(serde_json::from_str::<Holder>(&text).unwrap(), holder, "{text}");
        };
        there_and_back("a/é\n\"x\".png".into());
        #[cfg(unix)]
        there_and_back(from_bytes(vec![b'a', 0xff, b'/', b'b']).unwrap());
    }
}
