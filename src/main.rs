//! argv → `cli` → exit code.

fn main() -> std::process::ExitCode {
    hookgate::cli::main()
}
