//! Comments of the `.proto` files, by which `/openapi.json` describes what it names.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use prost_reflect::FileDescriptor;
use race_proto::descriptor_pool;

type Comments = BTreeMap<(String, Vec<i32>), String>;

/// The comment before what stands at a path of a file, without its line breaks; `None` without one.
pub fn of(file: &FileDescriptor, path: &[i32]) -> Option<&'static str> {
    let key = (file.name().to_owned(), path.to_vec());
    all().get(&key).map(String::as_str)
}

/// Those of all files, read once.
fn all() -> &'static Comments {
    static COMMENTS: OnceLock<Comments> = OnceLock::new();
    COMMENTS.get_or_init(|| {
        let mut comments = Comments::new();
        for file in descriptor_pool().files() {
            let info = file.file_descriptor_proto().source_code_info.as_ref();
            for location in info.map_or(&[][..], |info| &info.location) {
                let words = location.leading_comments().split_whitespace();
                let text = words.collect::<Vec<_>>().join(" ");
                if !text.is_empty() {
                    comments.insert((file.name().to_owned(), location.path.clone()), text);
                }
            }
        }
        comments
    })
}
