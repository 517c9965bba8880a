//! Starting, watching and stopping, with scripts that behave as CometBFT would in bad moments.

use std::path::Path;
use std::time::Duration;

use super::{script, Owned};
use crate::comet::home::Home;
use crate::comet::process::{CometProcess, ProcessError, StartOptions};

fn options(binary: &Path, home: &Path) -> StartOptions {
    StartOptions {
        binary: binary.to_path_buf(),
        home: home.to_path_buf(),
        env: vec![("CMT_TEST".to_owned(), "seen".to_owned())],
        reindex_from: None,
    }
}

/// Whether a process of this id runs (a zombie does not).
pub(super) fn runs(pid: u32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

/// The watchdogs of this child.
pub(super) fn watchdogs_of(pid: u32) -> Vec<u32> {
    let own = format!("kill -TERM \"$0\"\0{pid}\0");
    std::fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|id| {
            std::fs::read(format!("/proc/{id}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).ends_with(&own))
        })
        .collect()
}

#[tokio::test]
async fn an_unexpected_exit_is_reported_with_its_status_and_last_lines() {
    let folder = tempfile::tempdir().expect("folder");
    let home = folder.path().join("home");
    let body = "for i in $(seq 30); do echo line $i; done; echo \"$CMT_TEST $*\" >&2; exit 3";
    let binary = script(folder.path(), "cometbft", body);
    let comet = CometProcess::start(options(&binary, &home))
        .await
        .expect("start");
    let exit = comet.wait().await;
    assert!(!exit.requested && !exit.killed);
    assert_eq!(exit.status.and_then(|status| status.code()), Some(3));
    assert_eq!(exit.tail.len(), 20);
    let text = exit.to_string();
    assert!(text.contains("unexpectedly"), "{text}");
    assert!(text.contains("line 30"), "{text}");
    assert!(
        text.contains(&format!("seen start --home {}", home.display())),
        "{text}"
    );
    // Asked to stop after the fact, it still tells the truth.
    assert_eq!(comet.stop(Duration::from_secs(5)).await, exit);
    assert!(!Home::new(&home).pid_file().exists());
}

#[tokio::test]
async fn one_that_ignores_the_request_is_killed_and_said_so() {
    let folder = tempfile::tempdir().expect("folder");
    // exec keeps the ignored signal, so that one process ignores it.
    let body = "trap '' TERM; echo ready; exec sleep 600";
    let binary = script(folder.path(), "cometbft", body);
    let home = folder.path().join("home");
    let comet = CometProcess::start(options(&binary, &home))
        .await
        .expect("start");
    let pid_file = Home::new(&home).pid_file();
    let written = std::fs::read_to_string(&pid_file).expect("pid file");
    assert_eq!(written, format!("{}\n", comet.pid()));
    // The signal is ignored once the program is `sleep`.
    while !std::fs::read(format!("/proc/{}/cmdline", comet.pid()))
        .expect("running")
        .starts_with(b"sleep")
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let exit = comet.stop(Duration::from_millis(300)).await;
    assert!(exit.requested && exit.killed, "{exit}");
    assert!(!runs(comet.pid()));
    assert!(watchdogs_of(comet.pid()).is_empty());
    assert!(!pid_file.exists());
}

#[tokio::test]
async fn dropping_the_handle_stops_it() {
    let folder = tempfile::tempdir().expect("folder");
    let binary = script(folder.path(), "cometbft", "exec sleep 600");
    let home = folder.path().join("home");
    let comet = CometProcess::start(options(&binary, &home))
        .await
        .expect("start");
    let mut exit = comet.exit();
    drop(comet);
    let exit = exit.wait_for(Option::is_some).await.expect("exit").clone();
    assert!(exit.expect("exit").requested);
}

#[tokio::test]
async fn an_orphan_of_an_earlier_run_is_ended_before_a_new_one_starts() {
    let folder = tempfile::tempdir().expect("folder");
    let home = folder.path().join("home");
    let layout = Home::new(&home);
    layout.create_dirs().expect("dirs");
    let binary = script(folder.path(), "cometbft", "while :; do sleep 0.1; done");
    let mut command = std::process::Command::new(&binary);
    let orphan = Owned::spawn(command.args(["start", "--home"]).arg(&home));
    let old = orphan.0.id();
    std::fs::write(layout.pid_file(), format!("{old}\n")).expect("pid file");
    let comet = CometProcess::start(options(&binary, &home))
        .await
        .expect("start");
    assert!(!runs(old));
    assert_ne!(comet.pid(), old);
    comet.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_pid_file_that_names_another_process_harms_nobody() {
    let folder = tempfile::tempdir().expect("folder");
    let home = folder.path().join("home");
    let layout = Home::new(&home);
    layout.create_dirs().expect("dirs");
    let bystander = Owned::spawn(std::process::Command::new("sleep").arg("600"));
    std::fs::write(layout.pid_file(), bystander.0.id().to_string()).expect("pid file");
    let binary = script(folder.path(), "cometbft", "exec sleep 600");
    let comet = CometProcess::start(options(&binary, &home))
        .await
        .expect("start");
    comet.stop(Duration::from_secs(5)).await;
    assert!(runs(bystander.0.id()));
}

#[tokio::test]
async fn an_executable_that_cannot_run_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    let missing = folder.path().join("nothing");
    let error = CometProcess::start(options(&missing, folder.path())).await;
    let error = error.expect_err("missing");
    assert!(matches!(error, ProcessError::Spawn { .. }), "{error}");
    assert!(error.to_string().contains("nothing"), "{error}");
}
