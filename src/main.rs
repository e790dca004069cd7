//! The binary: everything happens in [`tenantry::cli`].

/// Rendering makes many small values on several threads at once, where the system's allocator takes a third of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tenantry::cli::main()
}
