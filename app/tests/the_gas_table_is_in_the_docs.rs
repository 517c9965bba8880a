//! `docs/gas.md` shows the gas table. After a change of it run
//! `RACE_WRITE_DOCS=1 cargo test -p race-app --test the_gas_table_is_in_the_docs`.

use std::fmt::Write as _;
use std::path::Path;

use race_app::tx::gas::TABLE;

const BEGIN: &str = "<!-- written by app/tests/the_gas_table_is_in_the_docs.rs -->\n";
const END: &str = "<!-- end -->\n";

#[test]
fn every_row_of_the_gas_table_is_in_the_docs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/gas.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the marks are there");
    let (_, after) = rest.split_once(END).expect("the marks are there");
    let mut table = String::from("\n| what | gas | where |\n|---|---|---|\n");
    for (what, gas, place) in TABLE {
        // Writing to a string does not fail.
        let _ = writeln!(table, "| {what} | {gas} | {place} |");
    }
    let expected = format!("{before}{BEGIN}{table}\n{END}{after}");
    if std::env::var_os("RACE_WRITE_DOCS").is_some() {
        std::fs::write(&path, expected).unwrap();
        return;
    }
    assert!(
        text == expected,
        "docs/gas.md is not what the code says: write it with RACE_WRITE_DOCS=1"
    );
}
