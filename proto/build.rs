//! Compiles the `.proto` files with protox (no installed `protoc` needed) into Rust types and one
//! descriptor set, which serves reflection, JSON, amino, REST and the refusal of unknown fields.

use std::path::{Path, PathBuf};

/// Nothing is generated for it either; its types are fields of ours, which prost-build has to see.
const PAGINATION: &str = "cosmos/base/query/v1beta1/pagination.proto";

fn protos(dir: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(dir)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            protos(&path, into)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            into.push(path);
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut files = Vec::new();
    protos(Path::new("race"), &mut files)?;
    let mut third_party = Vec::new();
    protos(Path::new("third_party"), &mut third_party)?;
    println!("cargo:rerun-if-changed=race");
    println!("cargo:rerun-if-changed=third_party");

    files.extend(third_party);
    // `third_party` first: a file is named by its path below the first folder that holds it.
    let mut compiler = protox::Compiler::new(["third_party", "."])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(&files)?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    // Encoded by the compiler, which keeps the annotations; the set below does not.
    std::fs::write(
        out.join("descriptors.bin"),
        compiler.encode_file_descriptor_set(),
    )?;
    let descriptors = compiler.file_descriptor_set();

    // The Cosmos types come from `cosmos-sdk-proto`; only our own are generated.
    let ours = prost_types::FileDescriptorSet {
        file: descriptors
            .file
            .into_iter()
            .filter(|f| f.package().starts_with("race.") || f.name() == PAGINATION)
            .collect(),
    };
    let mut config = tonic_build::Config::new();
    config.enable_type_names();
    config.extern_path(".cosmos", "::cosmos_sdk_proto::cosmos");
    config.include_file("race_network.rs");
    tonic_build::configure()
        .build_transport(true)
        .compile_fds_with_config(config, ours)?;
    Ok(())
}
