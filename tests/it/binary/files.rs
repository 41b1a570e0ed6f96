//! The files of the program: which commands make them, who may read them, and whose they are.

use super::program::Program;
use std::os::unix::fs::PermissionsExt;

#[test]
fn what_only_looks_or_makes_tokens_makes_no_database_and_says_where_it_looked() {
    let program = Program::new();
    let revoke = ["token", "revoke", "00000000-0000-0000-0000-000000000001"];
    for arguments in [&["token", "create", "--name", "me"][..], &revoke, &["migrate", "--check"]] {
        let ended = program.run(arguments);
        assert_eq!(ended.code, Some(1), "{arguments:?}: {}", ended.stderr);
        let looked_at = program.file("data/handoff.db").display().to_string();
        assert!(ended.stderr.contains(&looked_at) && ended.stderr.contains("handoff migrate"), "{}", ended.stderr);
        assert!(!program.file("data").exists(), "{arguments:?}");
    }
}

#[test]
fn the_database_and_the_key_are_made_for_their_owner_alone() {
    let program = Program::new();
    let serving = program.serve();
    for name in ["handoff.db", "handoff.db-wal", "handoff.db-shm", "handoff.db.lock", "handoff.key"] {
        let file = program.file(&format!("data/{name}"));
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(serving.stop().code, Some(0));
}

#[test]
fn a_second_instance_on_one_file_is_refused_while_other_commands_work_beside_the_first() {
    let program = Program::new();
    let serving = program.serve();
    let second = program.run(&["serve"]);
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    assert!(second.stderr.contains("another `handoff serve` runs on"), "{}", second.stderr);
    assert_eq!(program.run(&["migrate"]).code, Some(0));
    program.token(&[]);
    assert_eq!(serving.stop().code, Some(0));
    assert_eq!(program.serve().stop().code, Some(0));
}
