//! The program for the tests that run it: with the clock and the stops that they ask for, else as it is.

use std::process::ExitCode;

fn main() -> ExitCode {
    handoff::main_with(handoff_tests::under_test::parts())
}
