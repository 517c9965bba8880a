//! `docs/errors.md` shows every error that there is. After a change of an error run
//! `RACE_WRITE_DOCS=1 cargo test -p race-app --test the_error_table_is_in_the_docs`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use race_app::error::Table;
use race_app::registry::ERRORS;

const BEGIN: &str = "<!-- written by app/tests/the_error_table_is_in_the_docs.rs -->\n";
const END: &str = "<!-- end -->\n";

/// `{got:?}` is shown as `{got}`.
fn sentence(text: &str) -> String {
    text.replace(":?}", "}").replace('|', "\\|")
}

fn section(table: &Table) -> String {
    let mut text = format!(
        "\n## {}\n\nDeclared in `{}`.\n\n| code | name | sentence |\n|---|---|---|\n",
        table.codespace, table.file
    );
    let mut rows = table.rows.to_vec();
    rows.sort_unstable();
    for (code, name, words) in rows {
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {code} | `{name}` | {} |", sentence(words));
    }
    text
}

#[test]
fn every_error_of_every_module_is_in_the_docs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the marks are there");
    let (_, after) = rest.split_once(END).expect("the marks are there");
    let sections: String = ERRORS.iter().map(section).collect();
    let expected = format!("{before}{BEGIN}{sections}\n{END}{after}");
    if std::env::var_os("RACE_WRITE_DOCS").is_some() {
        std::fs::write(&path, expected).unwrap();
        return;
    }
    assert!(
        text == expected,
        "docs/errors.md is not what the code says: write it with RACE_WRITE_DOCS=1"
    );
}

#[test]
fn no_code_is_used_twice_and_none_is_0_or_1() {
    let mut seen = BTreeSet::new();
    for table in ERRORS {
        for (code, name, _) in table.rows {
            assert!(*code > 1, "{}::{name}", table.codespace);
            assert!(
                seen.insert((table.codespace, *code)),
                "{} {code}",
                table.codespace
            );
        }
    }
}

/// The source files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .collect()
}

/// The codes in a text that begin right after `mark`.
fn codes_after(text: &str, mark: &str) -> BTreeSet<u32> {
    let after = text.split(mark).skip(1).map(str::trim_start);
    let codes = after.filter_map(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        rest[..digits].parse().ok()
    });
    codes.collect()
}

#[test]
fn every_code_of_the_sdk_that_the_source_names_is_in_the_docs_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_to_string(root.join("../docs/errors.md")).unwrap();
    let text: String = sources(&root.join("src"))
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let mut sdk = codes_after(&text, "TxError::sdk(");
    sdk.extend(codes_after(&text, "\"sdk\","));
    let bank = codes_after(&text, "\"bank\",");
    for (name, codes) in [("sdk", sdk), ("bank", bank)] {
        let heading = format!("\n## {name}\n");
        let section = docs.split_once(&heading).unwrap().1;
        let section = section.split("\n## ").next().unwrap();
        assert_eq!(codes_after(section, "\n| "), codes, "{name}");
    }
}
