//! No dependency needs a newer Rust than the one that this project asks for.

use std::process::Command;

use serde_json::Value;

/// A version of Rust as a manifest states it, in numbers that compare.
fn version(text: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> = text.split('.').map(|part| part.parse().expect("a number")).collect();
    numbers.resize(3, 0);
    numbers
}

#[test]
fn no_dependency_asks_for_a_newer_rust() {
    let cargo = std::env::var_os("CARGO").expect("cargo runs the tests");
    let output = Command::new(cargo)
        .args(["metadata", "--locked", "--offline", "--format-version", "1", "--all-features", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let stated = |package: &Value| package["rust_version"].as_str().map(version);
    let ours = packages.iter().find(|package| package["name"] == "omr").and_then(stated).expect("our rust-version");
    assert_eq!(ours, version(env!("CARGO_PKG_RUST_VERSION")));
    let newer: Vec<String> = packages
        .iter()
        .filter(|package| stated(package).is_some_and(|theirs| theirs > ours))
        .map(|package| format!("{} {} asks for {}", package["name"], package["version"], package["rust_version"]))
        .collect();
    assert!(newer.is_empty(), "{newer:#?}");
    assert!(packages.iter().filter(|package| stated(package).is_some()).count() > 50, "the graph is not empty");
}

#[test]
fn the_readme_states_the_oldest_rust() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(readme.contains(&format!("Rust toolchain ({} or newer)", env!("CARGO_PKG_RUST_VERSION"))));
}
