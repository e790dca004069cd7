#!/usr/bin/env bash
# The built-in schemas of Kubernetes objects are what their generator makes.
set -euo pipefail
cargo run --quiet --locked --manifest-path tools/kubernetes-schemas/Cargo.toml -- --check
