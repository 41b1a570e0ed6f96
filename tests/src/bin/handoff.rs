//! The program for the tests that run it: nothing of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    handoff::main()
}
