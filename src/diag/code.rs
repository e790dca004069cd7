//! The codes of all rules: stable kebab-case names that users and pipelines may rely on.

use std::{fmt, str::FromStr};

use super::Severity;

/// Declares each code once: variant, kebab-case name, severity and the text of `check --explain`.
macro_rules! codes {
    ($($variant:ident $name:literal $severity:ident $explanation:literal)+) => {
        /// A rule, by its stable name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $explanation] $variant,)+
        }

        impl Code {
            /// All codes, in the order of their declaration.
            pub const ALL: &[Code] = &[$(Code::$variant,)+];

            /// Returns the kebab-case name.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)+ }
            }

            /// Returns how bad the finding is unless a user says otherwise.
            pub fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity,)+ }
            }

            /// Returns what the rule demands and why, as `check --explain` prints it.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$variant => $explanation,)+ }
            }
        }
    };
}

codes! {
    // -- stage 1: bytes
    FileUnreadable "file-unreadable" Error
        "A file of the estate could not be read. Nothing is ever concluded from a file that cannot be read: the run stops before it could look like a deletion."
    FileTooLarge "file-too-large" Error
        "Files of an estate are at most 64 KiB. Larger ones are refused before they are parsed, so that one file cannot hold up a pipeline."
    FileNotUtf8 "file-not-utf8" Error
        "Files of an estate are UTF-8 text."
    ForbiddenCharacter "forbidden-character" Error
        "Control characters, NUL, bidirectional controls, byte order marks, private-use and default-ignorable characters are refused: they hide text from reviewers or change how a terminal, a YAML reader or a template shows it."
    FileNotRegular "file-not-regular" Error
        "Only regular files with mode 100644 are read: a symbolic link, a gitlink or an executable in the estate is refused, since it could reach files outside it."
    // -- stage 2: YAML
    YamlSyntax "yaml-syntax" Error
        "The file is not valid YAML."
    YamlDuplicateKey "yaml-duplicate-key" Error
        "A mapping holds the same key twice. YAML readers disagree on which one wins, so neither does here."
    YamlForbidden "yaml-forbidden" Error
        "Anchors, aliases, merge keys, tags, directives, further documents and keys that are lists, maps or blocks are refused: a reviewer must see what a file says without expanding it."
    YamlAmbiguous "yaml-ambiguous" Error
        "A plain scalar that YAML 1.1 and YAML 1.2 read differently (no, on, 017, 1:30, 1_000, a date) must be quoted, or written the way both agree on."
    YamlTooDeep "yaml-too-deep" Error
        "The file nests deeper than 16 levels or holds more than 5,000 nodes."
    YamlNumber "yaml-number" Error
        "A number must be finite, and an integer must fit into 64 bits: readers round, wrap or refuse others. Write a smaller one, or quote it if the text is meant."
    // -- where files lie
    EstateMissing "estate-missing" Error
        "An estate is a directory with a `tenantry.yaml`. Without it nothing says which platform the tenants belong to."
    NoTenants "no-tenants" Error
        "An estate holds at least one tenant. An empty folder is more often a mistake than the wish to delete every customer, so it is never taken as that."
    StrayFile "stray-file" Error
        "Files of `tenants/` and `tiers/` end in `.yaml` and lie directly there. Any other file would not be read, and a tenant that is not read looks like one that was deleted."
    FileNameMismatch "file-name-mismatch" Error
        "The file of a tenant or a tier is called like its `metadata.name`. So two of them can never have one name, and a reviewer sees in the list of changed files who is concerned."
    // -- stage 3: the shape of files
    UnknownKey "unknown-key" Error
        "Files hold only keys that mean something. An unknown key is a slip, and what it was meant to say would silently not happen."
    MissingKey "missing-key" Error
        "A key that has no default must be there."
    WrongType "wrong-type" Error
        "A value has the type that its key asks for: text, a whole number, true or false, a list or a map. Nothing is converted, since a version `1.10` read as a number is `1.1`."
    NotAChoice "not-a-choice" Error
        "The value must be one of a fixed list of words."
    OutOfRange "out-of-range" Error
        "A number must lie within the bounds of its key."
    WrongLength "wrong-length" Error
        "A text or a list must be neither longer nor shorter than its key allows."
    WrongForm "wrong-form" Error
        "A text must have the form that its key asks for, given as a regular expression."
    SchemaRule "schema-rule" Error
        "The value breaks a rule of its JSON Schema, mostly one that the estate's own `values.schema.json` makes."
    InvalidValuesSchema "invalid-values-schema" Error
        "`schemas/values.schema.json` must be a JSON Schema of its own: no reference to another file or address, and no pattern with look-around, so that checking reads nothing else and takes linear time."
    ValuesWithoutSchema "values-without-schema" Error
        "A tenant may have `values` only if `schemas/values.schema.json` describes them. Values that nothing checks would fail in a template, or not at all."
    InvalidDefinition "invalid-definition" Error
        "Files under `schemas/crds/` are published CustomResourceDefinitions. Rendered objects of those kinds are checked by them, so they must be readable."
    // -- stage 4: names
    InvalidName "invalid-name" Error
        "Names are lower-case letters, digits and single hyphens, start with a letter and have at most 30 characters. They become parts of namespaces, databases, users and hosts, and this is what all of those take."
    DuplicateName "duplicate-name" Error
        "Two tenants cannot have one name: they would share a namespace, databases and credentials."
    SimilarNames "similar-names" Warning
        "Two tenants whose names differ only in hyphens, case or letters that look alike are easily confused by the people who operate them."
    InvalidUid "invalid-uid" Error
        "A tenant's uid is a UUID that is given once. Every outside object carries it, so that a new tenant with an old name never takes over what belonged to another."
    DuplicateUid "duplicate-uid" Error
        "Two tenants cannot have one uid: the uid decides whose an outside object is. It mostly comes from a copied file."
    ReservedNamespace "reserved-namespace" Error
        "A tenant's namespace must not be one of the platform or the cluster, or its objects would land among those of Argo CD or the gateway."
    UnknownNamingTarget "unknown-naming-target" Error
        "`naming` has patterns for the kinds of names that exist; an unknown one would have no effect."
    InvalidPattern "invalid-pattern" Error
        "A naming pattern must give every tenant and item a name of its own, within what the target system takes: `{tenant}` once, `{item}` once where there are several, and a separator between them that no name holds."
    InvalidKubernetesName "invalid-kubernetes-name" Error
        "Names of namespaces and other objects must be ones that the Kubernetes API server takes."
    // -- stage 4: references
    UnknownTier "unknown-tier" Error
        "`spec.tier` of a tenant names a file under `tiers/`."
    AbstractTier "abstract-tier" Error
        "An abstract tier is only there to be extended; it need not be complete, so no tenant can have it."
    UnknownBase "unknown-base" Error
        "`spec.extends` of a tier names another file under `tiers/`."
    ExtendsCycle "extends-cycle" Error
        "Tiers cannot extend each other in a circle: there would be no lowest layer."
    ExtendsTooDeep "extends-too-deep" Error
        "A tier has at most four layers, so that a person can still tell where a value comes from."
    NullWithoutEffect "null-without-effect" Error
        "In a tier, an empty value (`null`) takes an inherited key away. Where there is nothing to take away, it was meant as an empty map or list, and the entry would silently vanish."
    UnknownRegion "unknown-region" Error
        "`spec.region` of a tenant is one of `spec.regions` in `tenantry.yaml`."
    UnknownBundle "unknown-bundle" Error
        "`bundles` of a tier name folders under `templates/`."
    UnknownConnection "unknown-connection" Error
        "Provisions and the secret store name a connection of `tenantry.yaml`."
    UnknownChart "unknown-chart" Error
        "`chart` of a tier names a folder under `charts/` that holds a `Chart.yaml`."
    UnknownComponent "unknown-component" Error
        "`kustomize.components` of a tier name folders under `components/` that hold a `kustomization.yaml`."
    UnknownTemplate "unknown-template" Error
        "A bundle lists templates of its own folder."
    UnknownService "unknown-service" Error
        "Overrides can change only services that the tenant's tier has."
    BundleMissing "bundle-missing" Error
        "A folder under `templates/` needs a `bundle.yaml` that says what its templates make."
    UnsafePath "unsafe-path" Error
        "Paths of templates and outputs stay below their folder: no `..`, no leading slash. Otherwise one tenant could write into another's folder."
    UnusedTemplate "unused-template" Warning
        "A template that no bundle lists and no other template imports makes nothing, though it looks as if it did."
    UnusedBundle "unused-bundle" Warning
        "A bundle that no tier renders makes nothing."
    FormatMismatch "format-mismatch" Error
        "`chart` belongs to `format: helm` and `kustomize` to `format: kustomize`; with another format they would have no effect."
    // -- stage 4: hosts, people and times
    InvalidHost "invalid-host" Error
        "The platform's domain and the hosts of connections must be names or addresses that DNS and clients take."
    InvalidUrl "invalid-url" Error
        "URLs have a scheme that fits their purpose, a host, and no blanks."
    InvalidSubdomain "invalid-subdomain" Error
        "A subdomain is one DNS label: lower-case letters, digits and hyphens, at most 63, with a letter in it and no encoded name (`xn--`)."
    ReservedSubdomain "reserved-subdomain" Error
        "Subdomains such as `www` or `api` belong to the platform: a tenant there could pose as the platform itself."
    InvalidDomain "invalid-domain" Error
        "A custom domain is a plain host name of at least two labels: no scheme, port, path, wildcard, address or trailing dot, and one that reads the same after IDNA."
    DuplicateHost "duplicate-host" Error
        "A host belongs to one tenant. Two routes for one host send a customer's requests to somebody else."
    PlatformDomain "platform-domain" Error
        "A custom domain cannot be the platform's own domain, lie below it or above it: those names are given by `subdomain` alone."
    PublicSuffix "public-suffix" Error
        "A public suffix such as `co.uk` or `github.io` belongs to nobody, so no customer can prove to own it."
    NestedDomain "nested-domain" Warning
        "A custom domain below one of another tenant may be a take-over: whoever owns a domain rules what is below it."
    DisplayName "display-name" Error
        "A display name is one line without blanks around it and with a letter or digit in it. It goes into mails, invoices and dashboards."
    MixedScripts "mixed-scripts" Warning
        "A word that mixes letters of several scripts may pose as another: a Cyrillic `а` in a Latin name cannot be seen."
    InvalidEmail "invalid-email" Error
        "A contact is one plain e-mail address. Line breaks, commas and names around it could add receivers or headers to a mail."
    InvalidSubscription "invalid-subscription" Error
        "The id of a subscription holds no blanks: it is compared with what the billing system sends."
    InvalidTime "invalid-time" Error
        "Times are UTC to the second, `2027-01-31T00:00:00Z`, and real dates. Data is destroyed by them, so there is one way to write them."
    LifecycleMismatch "lifecycle-mismatch" Error
        "`trialEnds` belongs to the state `trial` and `deleteAfter` to `deleting`, always and only. A deletion without a date, or a date without a deletion, is half a decision."
    // -- stage 4: amounts and overrides
    InvalidQuantity "invalid-quantity" Error
        "Quantities are numbers with a Kubernetes suffix (`500m`, `2Gi`), not below zero and without an exponent: `1e9` in a quota is a slip more often than a wish."
    QuotaKey "quota-key" Error
        "A ResourceQuota takes standard resources and `count/<plural>.<group>`; the API server refuses any other key, and a count of a kind that does not exist limits nothing."
    UnknownResource "unknown-resource" Error
        "Requests and limits of containers are about `cpu`, `memory`, `ephemeral-storage`, huge pages or an extended resource with a domain; those of claims about `storage`."
    RequestAboveLimit "request-above-limit" Error
        "A request above its limit is refused by the API server when the Pod is made, long after the commit."
    LimitOrder "limit-order" Error
        "In a LimitRange min ≤ defaultRequest ≤ default ≤ max; otherwise the API server refuses it, or every container without limits of its own."
    ReplicaRange "replica-range" Error
        "A service that scales by itself starts between its least and its greatest number of Pods."
    InvalidImage "invalid-image" Error
        "An image is a repository in lower case and a tag of its own, as registries take them."
    ImageLatest "image-latest" Error
        "`latest` means another image tomorrow: what a reviewer saw would not be what runs."
    OverrideNotAllowed "override-not-allowed" Error
        "A tenant may override only what its tier names under `overridable`."
    OverrideAboveCap "override-above-cap" Error
        "An override may not go beyond the cap of the tier, or a tenant would get what it does not pay for."
    OverrideNotAChoice "override-not-a-choice" Error
        "Where the tier lists the values of a setting, an override is one of them."
    UnknownCap "unknown-cap" Error
        "`overridable` can allow only what the tier has; a cap for anything else limits nothing."
    CapBelowTier "cap-below-tier" Error
        "A cap below the tier's own amount would refuse what every tenant of the tier already has."
    // -- stage 4: servers and outside resources
    InvalidVariableName "invalid-variable-name" Error
        "Environment variables are named by letters, digits and `_`. Where the name of one that holds a credential is asked for, anything else is suspected to be the credential itself, and is not repeated."
    InlineCredential "inline-credential" Error
        "No credential stands in an estate: everybody who may read the repository could use it, for ever. Credentials come from environment variables and secret stores."
    NotASecretStore "not-a-secret-store" Error
        "`secrets.store` names a connection that keeps secrets: `vault`, `awsSecretsManager`, `kubernetesSecrets` or `directory`."
    SecretStoreMissing "secret-store-missing" Error
        "Resources with credentials need a place where those are kept before they are used."
    InvalidRef "invalid-ref" Error
        "The output branch and the remote have names that git takes."
    InvalidAllowedKind "invalid-allowed-kind" Error
        "`allowedKinds` holds entries of the form `apiVersion/Kind`; any other would allow nothing."
    ConnectionKind "connection-kind" Error
        "A resource is made on a server of its kind: a database on `mysql` or `postgres`, a bucket on `objectStore`."
    EachAndItems "each-and-items" Error
        "A group of resources has one for each service (`each`) or one for each entry (`items`), not both."
    ProvisionClash "provision-clash" Error
        "Names of outside resources are made of the tenant and the item. Two groups with one item on one server would share a database, a user or a bucket."
    InvalidIdentifier "invalid-identifier" Error
        "Names and parameters that go to a database server hold only what no server needs to interpret."
    CollationMismatch "collation-mismatch" Error
        "A collation belongs to one character set; the server refuses the pair otherwise."
    NothingGranted "nothing-granted" Error
        "A user without privileges, buckets or actions can do nothing, which is never what a tier buys."
    VersioningNeeded "versioning-needed" Error
        "`noncurrentDays` removes old versions of objects, so the bucket must keep versions."
    UnknownBucket "unknown-bucket" Error
        "A user of an object store gets groups of buckets (`files`) or single ones (`files/products`) of its tier, on its own connection."
    RedisRule "redis-rule" Error
        "`commands` of a Redis user holds rules about commands alone. A rule about keys, channels or passwords would undo what keeps tenants apart."
    TopologyUnknown "topology-unknown" Error
        "Bindings and dead-letter settings name exchanges and queues of the same virtual host; messages would be lost otherwise."
    TopologyRule "topology-rule" Error
        "RabbitMQ refuses or ignores the combination: a quorum queue that is not durable, a routing key for dead letters without an exchange, a policy that sets nothing."
    UnknownVariable "unknown-variable" Error
        "`${…}` in an `httpResource` names a part of the tenant, its hosts or the platform, the object that was found, or a field of its own secret; and only what exists when it is filled in."
    InvalidPointer "invalid-pointer" Error
        "Places in the answer of an API are given as JSON pointers: `/status/ready`."
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no rule is called `{0}`")]
pub struct UnknownCode(pub String);

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Code::ALL.iter().copied().find(|code| code.name() == text).ok_or_else(|| UnknownCode(text.to_owned()))
    }
}
