//! Certificates and Issuers: bounds of the published definitions.

use super::{super::fault::Fault, spot::Spot};

const USAGES: [&str; 23] = [
    "signing",
    "digital signature",
    "content commitment",
    "key encipherment",
    "key agreement",
    "data encipherment",
    "cert sign",
    "crl sign",
    "encipher only",
    "decipher only",
    "any",
    "server auth",
    "client auth",
    "code signing",
    "email protection",
    "s/mime",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "timestamping",
    "ocsp signing",
    "microsoft sgc",
    "netscape sgc",
];

pub(super) fn check(kind: &str, root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    let Some(spec) = root.field("spec") else { return };
    match kind {
        "Certificate" | "CertificateRequest" => {
            let Some(usages) = spec.field("usages") else { return };
            for usage in usages.items() {
                if usage.as_text().is_some_and(|text| !USAGES.contains(&text)) {
                    usage.wrong_form(
                        faults,
                        "is no use of a certificate",
                        "write `server auth` or `client auth` for example",
                    );
                }
            }
        }
        "Issuer" | "ClusterIssuer" => {
            if let Some(venafi) = spec.field("venafi") {
                venafi.exactly_one(faults, &["tpp", "cloud", "ngts"]);
            }
        }
        _ => {}
    }
}
