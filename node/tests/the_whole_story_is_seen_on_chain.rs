//! The story of `make demo` on four real CometBFT nodes, with a tiny random model: every step is a
//! transaction or a query, the forged answer and its conviction included.

use std::path::PathBuf;

use raced::demo::{run, Options};

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_story_is_seen_on_chain() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("tiny-random.gguf");
    race_inference::fixture::write_tiny_gguf(&model, 7).unwrap();
    let options = Options {
        binary: PathBuf::from(env!("CARGO_BIN_EXE_raced")),
        model: Some(model),
        keep: Some(folder.path().join("network")),
        // All nodes run the same build in the exact class: honest answers differ by nothing.
        max_mean_distance: 100,
    };
    run(options).await.unwrap();
}
