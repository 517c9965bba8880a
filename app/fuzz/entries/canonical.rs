//! What amino JSON looks like, by another program: sorted keys, no spaces, Go's escapes.

use serde_json::Value;

/// The text as `serde_json` writes what it reads in it.
pub fn canonical(text: &[u8]) -> String {
    let value: Value = serde_json::from_slice(text).expect("it is JSON");
    let text = value.to_string();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}
