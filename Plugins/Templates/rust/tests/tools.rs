//! Runs `tests/run`, which says what the tools are to do.

use std::path::Path;
use std::process::Command;

#[test]
fn tools() {
    // The shared object lies beside the folder of the tests.
    let tests = std::env::current_exe().unwrap();
    let library = tests.parent().and_then(Path::parent).unwrap().join("libmy_plugin.so");
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run");
    assert!(Command::new(run).arg(library).status().unwrap().success());
}
