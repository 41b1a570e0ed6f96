//! The binary: everything is in the library, so that tests can build a binary of their own from it.

use std::process::ExitCode;

fn main() -> ExitCode {
    handoff::main()
}
