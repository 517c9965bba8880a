//! Finding the executable.

use std::path::Path;

use super::script;
use crate::comet::binary::{find_with, BinaryError};

#[test]
fn a_given_path_wins_over_the_variable_and_path() {
    let folder = tempfile::tempdir().expect("folder");
    let [flag, variable, path] = ["a", "b", "c"].map(|name| {
        let inner = folder.path().join(name);
        std::fs::create_dir(&inner).expect("mkdir");
        script(&inner, "cometbft", "exit 0")
    });
    let search = path.parent().expect("parent").as_os_str();
    let nowhere = folder.path().join("x/y/z/raced");
    let find = |given: Option<&Path>, variable: Option<&Path>| {
        find_with(
            given,
            variable.map(Path::as_os_str),
            Some(&nowhere),
            Some(search),
        )
        .expect("found")
    };
    assert_eq!(find(Some(&flag), Some(&variable)), flag);
    assert_eq!(find(None, Some(&variable)), variable);
    assert_eq!(find(None, None), path);
}

#[test]
fn it_is_found_beside_raced_and_in_the_build_tree() {
    let folder = tempfile::tempdir().expect("folder");
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).expect("mkdir");
    let built = script(&bin, "cometbft", "exit 0");
    for raced in ["bin/raced", "debug/raced", "debug/deps/test"] {
        let raced = folder.path().join(raced);
        assert_eq!(
            find_with(None, None, Some(&raced), None).expect("found"),
            built
        );
    }
}

#[test]
fn a_missing_executable_is_reported_with_the_way_to_build_it() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("cometbft");
    std::fs::write(&path, "not executable").expect("write");
    let error = find_with(Some(&path), None, None, None).expect_err("not executable");
    assert!(matches!(error, BinaryError::NotExecutable { .. }));
    assert!(error.to_string().contains("make build"), "{error}");
    let error = find_with(None, None, None, Some(folder.path().as_os_str()));
    let text = error.expect_err("nothing").to_string();
    assert!(
        text.contains("make build") && text.contains("RACED_COMETBFT"),
        "{text}"
    );
    assert!(text.contains(&path.display().to_string()), "{text}");
}
