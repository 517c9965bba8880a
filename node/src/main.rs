//! The `raced` binary.

fn main() -> std::process::ExitCode {
    raced::cli::main(race_app::upgrade::Program::default())
}
