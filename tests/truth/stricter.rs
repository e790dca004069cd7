//! Where `verify` refuses what the API server takes, and why.

use tenantry::diag::Code;

/// Codes of `verify` that go beyond the API server.
const STRICTER: &[(Code, &str)] = &[];

/// Returns why a code goes beyond the API server, `None` where it must not.
pub fn reason(code: Code) -> Option<&'static str> {
    STRICTER.iter().find(|(listed, _)| *listed == code).map(|(_, reason)| *reason)
}
