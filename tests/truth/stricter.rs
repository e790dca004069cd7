//! Where `verify` refuses what the API server takes, and why.

use tenantry::diag::Code;

/// Codes of `verify` that go beyond the API server. Each is met by a case, so that none stays here without need.
const STRICTER: &[(Code, &str)] = &[
    (Code::ImageTag, "the server takes any image, and nobody knows later what ran"),
    (Code::ConfigMapMissing, "the server takes the Pod, which then never starts"),
    (Code::ServiceAccountMissing, "the server takes the workload, whose Pods are then refused"),
    (Code::ServiceExternalIps, "the server lets a tenant catch the traffic of any address"),
    (Code::RoleBindingDangling, "the server takes the binding, which grants nothing"),
    (Code::NetworkEveryNamespace, "the server takes the policy, which opens the tenant to all others"),
    (Code::SecretData, "the server wants the values, git must not have them"),
    (Code::SecretLiteral, "the server takes any text, git must not have passwords"),
    (Code::ObjectForeignKey, "the server takes the label, by which Argo CD then loses objects"),
    (Code::HookDeadline, "the server takes the Job, for which Argo CD then waits for ever"),
];

/// Returns all codes that go beyond the API server.
pub fn codes() -> impl Iterator<Item = Code> {
    STRICTER.iter().map(|(code, _)| *code)
}

/// Returns why a code goes beyond the API server, `None` where it must not.
pub fn reason(code: Code) -> Option<&'static str> {
    STRICTER.iter().find(|(listed, _)| *listed == code).map(|(_, reason)| *reason)
}
