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
    // -- rendering
    TemplateSyntax "template-syntax" Error
        "A template is not valid: a tag that does not end, an unknown tag, or an expression that cannot be read."
    TemplateUndefined "template-undefined" Error
        "A template uses a name or a field that does not exist. Nothing is ever printed for it: a misspelt name would otherwise become an empty value in a cluster."
    TemplateError "template-error" Error
        "An expression of a template or bundle failed: a filter, function or template that does not exist, or a value of the wrong kind. Templates cannot reach files, clocks, networks or the environment."
    TemplateEndless "template-endless" Error
        "A template may take 200,000 steps, and macros and includes may call each other 50 and 20 deep. More means a loop or a recursion without an end."
    TemplateOutput "template-output" Error
        "One file may have 1 MiB and 65,000 values. Kubernetes refuses objects beyond 1.5 MiB."
    TemplateValue "template-value" Error
        "A value cannot stand where the template put it: a map or list inside of a text, null where a value is needed, a key that is there already, or something that is not data. A value never changes the structure around it."
    TemplateYaml "template-yaml" Error
        "What a template prints around its values must be valid and unambiguous YAML, and each document a Kubernetes object."
    TemplatePath "template-path" Error
        "A bundle's output must be a relative path of a `.yaml` file below the tenant's manifests, unlike every other output of the tenant and unlike the files that tenantry makes itself."
    DocumentTooLarge "document-too-large" Error
        "The provision document travels inside of the hook Job as an annotation of its Pod; Kubernetes allows 256 KiB of annotations on one object, and 100 KiB of them are the document's."
    // -- stage 5: what was rendered
    DefinitionInvalid "definition-invalid" Error
        "Files under schemas/crds/ are CustomResourceDefinitions of apiextensions.k8s.io/v1 as their projects publish them: objects of their kinds are checked strictly by them."
    ObjectIdentity "object-identity" Error
        "Every object has an apiVersion, a kind and a name. Argo CD, a change set and the API server tell objects apart by them."
    ObjectGeneratedName "object-generated-name" Error
        "Objects have fixed names. With generateName each sync makes another object that nobody finds or deletes again; a hook with a fixed name is replaced instead."
    ObjectDuplicate "object-duplicate" Error
        "Two objects of a tenant have the same kind, namespace and name. One would silently replace the other, and which one depends on their order."
    ObjectCount "object-count" Error
        "A tenant has at most 5,000 objects: Argo CD compares each of them again and again. More of them come from an `each` over too long a list."
    ObjectTooLarge "object-too-large" Error
        "An object is at most 1 MiB: etcd refuses larger ones, and Argo CD keeps several copies of each."
    ObjectKind "object-kind" Error
        "Templates may make kinds that live in a namespace and reach nothing outside it, and the tenant's Namespace. Anything else, cluster roles and DaemonSets for example, the platform must allow by `spec.allowedKinds` of tenantry.yaml."
    ObjectNamespace "object-namespace" Error
        "Each object names the tenant's own namespace itself. Without it Argo CD would put the object elsewhere; with a neighbour's name it would reach into another tenant."
    ObjectForeignKey "object-foreign-key" Error
        "Some labels and annotations are written by Argo CD, helm, kubectl or the API server and mean something to them: a copied tracking id makes Argo CD prune another Application's object. Templates leave them alone."
    ObjectUnknownField "object-unknown-field" Error
        "The object has a field that its kind does not have. The API server drops it or refuses the object, so what the field was meant to do does not happen."
    ObjectMissingField "object-missing-field" Error
        "The object lacks a field that its kind must have: the API server refuses it."
    ObjectWrongType "object-wrong-type" Error
        "A field holds a value of another type than its kind says, a number where a text is wanted for example: the API server refuses it."
    ObjectWrongValue "object-wrong-value" Error
        "A field holds a value that its kind does not allow: a word that is not one of the list, a number out of range, a malformed quantity, a list with the same key twice."
    ObjectName "object-name" Error
        "Names have a form and a length that depend on the kind: a Service starts with a letter, a CronJob has at most 52 characters."
    ObjectLabel "object-label" Error
        "Label values are at most 63 letters, digits, hyphens, underscores and dots; keys have an optional DNS prefix. Addresses, times and names of companies belong in annotations."
    ObjectRetiredVersion "object-retired-version" Error
        "Clusters no longer serve this apiVersion. The finding names the one to use."
    ObjectUnknownKind "object-unknown-kind" Warning
        "No schema is known for this kind, so its fields were not checked. Put its published CustomResourceDefinition under schemas/crds/."
    SecretData "secret-data" Error
        "A rendered Secret carries its values. What is in git can be read by everybody who may read the repository, for ever: an ExternalSecret refers to the secret store instead."
    SecretLiteral "secret-literal" Error
        "A variable or a setting whose name says that it is a password, a token or a key is given as plain text. It belongs in the secret store."
    SecretInText "secret-in-text" Error
        "A text holds a private key, a token of a well-known form or a URL with a password. It belongs in the secret store, and the one that was written here must be replaced."
    SecretTwoOwners "secret-two-owners" Error
        "Two objects make the same Secret and write over each other for ever. The usual case: a Certificate, and an Ingress with cert-manager's annotation, which makes a Certificate of its own."
    SecretStoreMissing "secret-store-missing" Error
        "An ExternalSecret reads from a SecretStore that is not among the tenant's objects, so its Secret is never made."
    SecretStoreShared "secret-store-shared" Warning
        "Through a ClusterSecretStore every namespace that may use it can read every entry that the store's own credential opens. A SecretStore for each tenant keeps them apart."
    SecretKeyForeign "secret-key-foreign" Warning
        "An ExternalSecret reads an entry of the secret store whose key does not carry the tenant's name, namespace or uid, and which the plan does not name. It may be a neighbour's, or one that all tenants share."
    SecretMissing "secret-missing" Warning
        "Pods read a Secret that no object of the tenant makes. Unless something else makes it, they never start."
    HookAnnotation "hook-annotation" Error
        "Argo CD passes over words that it does not know in its hook annotations: a hook with a misspelt phase is an ordinary object, a wave that is no number is wave 0."
    HookDeadline "hook-deadline" Error
        "A Job that is a hook has `activeDeadlineSeconds`: Argo CD waits for hooks, and one that hangs holds up every later sync of the tenant."
    HookTooEarly "hook-too-early" Error
        "Pods need an object that Argo CD applies in a later phase or wave. Argo CD waits for the Pods before it goes on, so the first sync never ends."
    JobNotHook "job-not-hook" Warning
        "A Job cannot be changed once it is made: the next image makes the sync fail, and the Job never runs again. As a hook with the delete policy BeforeHookCreation it is made anew."
    JobTtl "job-ttl" Warning
        "A Job that is no hook and deletes itself is missing for Argo CD, which makes it anew: it runs again and again."
    SelectorMutableLabel "selector-mutable-label" Error
        "The selector of a Deployment or StatefulSet can never be changed. A label in it that changes with tier, region, state or version makes the first such change fail."
    SelectorMismatch "selector-mismatch" Error
        "The selector of a workload must select the Pods of its own template; the API server refuses it otherwise."
    ServiceMutableLabel "service-mutable-label" Warning
        "A Service that selects by tier, region, state or version finds only some of its Pods while that label changes."
    ServiceExternalIps "service-external-ips" Error
        "`externalIPs` lets a Service catch the traffic of any address in the cluster (CVE-2020-8554)."
    ServiceSelectsNothing "service-selects-nothing" Warning
        "A Service selects no Pod of the tenant: requests to it fail."
    ServiceTargetPort "service-target-port" Warning
        "A Service leads to a port by a name that no container of its Pods has: it has no endpoints."
    ServiceAccountMissing "service-account-missing" Error
        "Pods run as a ServiceAccount that is not among the tenant's objects: none of them is ever made."
    ConfigMapMissing "config-map-missing" Error
        "Pods read a ConfigMap that is not among the tenant's objects: they never start."
    ClaimMissing "claim-missing" Error
        "Pods mount a PersistentVolumeClaim that is not among the tenant's objects: they never start."
    ImageTag "image-tag" Error
        "Images name a fixed version. Without a tag, or with `latest`, what runs changes with each new Pod, and going back to an old commit brings back nothing."
    PodSecurity "pod-security" Error
        "The Namespace enforces a Pod Security Standard that refuses these Pods. Admission acts on Pods alone: the Deployment is applied without a complaint, and its Pods are silently missing."
    NamespaceUnrestricted "namespace-unrestricted" Warning
        "The tenant's Namespace does not enforce a Pod Security Standard: a Pod in it may become root on the node, and reach every other tenant there."
    QuotaKey "quota-key" Error
        "A ResourceQuota takes a fixed list of keys, and `count/<plural>.<group>` for everything else: `count/deployments.apps`, not `deployments.apps`. The API server refuses others."
    QuotaExceeded "quota-exceeded" Error
        "What the tenant's objects ask for at most, with a rolling update and the greatest wave of hooks, is more than its ResourceQuota allows: the last Pods are refused, on the ReplicaSet and not on the Deployment."
    QuotaNeedsResources "quota-needs-resources" Error
        "A quota on cpu or memory refuses every Pod whose containers do not say what they need, unless a LimitRange says it for them."
    LimitRange "limit-range" Error
        "A container or a claim lies outside what the tenant's LimitRange allows: it is refused."
    AutoscalerTarget "autoscaler-target" Error
        "A HorizontalPodAutoscaler scales a workload that is not among the tenant's objects."
    AutoscalerReplicas "autoscaler-replicas" Warning
        "A workload has both a number of replicas and an autoscaler: each sync sets the number back that the autoscaler chose."
    DisruptionBudgetSelectsNothing "disruption-budget-selects-nothing" Warning
        "A PodDisruptionBudget selects no Pod of the tenant and guards nothing."
    DisruptionBudgetBlocks "disruption-budget-blocks" Warning
        "A PodDisruptionBudget lets no Pod go at all: nodes cannot be drained, and the upgrade of the cluster stops there."
    MonitorSelectsNothing "monitor-selects-nothing" Warning
        "A ServiceMonitor selects no Service of the tenant: nothing is scraped. It selects by the labels of Services, not of Pods."
    MonitorPort "monitor-port" Error
        "A ServiceMonitor scrapes a port by a name that none of its Services has: nothing is scraped, and no alert says so."
    RouteHost "route-host" Error
        "A route, a listener, an Ingress or a Certificate is for the tenant's own hosts, or hosts below them, and always for some host: nothing else stops two tenants from taking each other's requests."
    RouteBackend "route-backend" Error
        "A route leads to a Service, or to a port of it, that is not among the tenant's objects: requests fail."
    RouteParent "route-parent" Error
        "A route hangs on a Gateway or ListenerSet of the tenant's namespace that is not among its objects: no request ever reaches it."
    IngressAnnotation "ingress-annotation" Warning
        "ingress-nginx passes over annotations that it does not know without a word: `rate-limit` for example limits nothing, `limit-rps` does."
    IngressSnippet "ingress-snippet" Error
        "Snippet annotations write into the configuration of the ingress controller that all tenants share, and reach its credentials (CVE-2021-25742)."
    NetworkNamespaceLabel "network-namespace-label" Error
        "Namespaces have no label `name` by themselves, so the rule matches nothing. `kubernetes.io/metadata.name` is there on each of them, and nobody can change it."
    NetworkEveryNamespace "network-every-namespace" Error
        "`namespaceSelector: {}` in an egress rule means every Pod of every tenant, and never an address outside the cluster. The internet is an `ipBlock`."
    NetworkDnsUdpOnly "network-dns-udp-only" Error
        "DNS needs port 53 over UDP and TCP: an answer that is too long for UDP is asked for again over TCP, and the name cannot be looked up."
    NetworkNoDns "network-no-dns" Warning
        "Policies restrain what the tenant's Pods may reach, and none of them allows DNS: no host name can be looked up."
    NetworkTwoPeers "network-two-peers" Warning
        "A namespaceSelector and a podSelector in two items mean either of them. Here the podSelector alone selects no Pod of the tenant, so these Pods in that namespace were probably meant: one item with both."
    NetworkPrivateRanges "network-private-ranges" Warning
        "An `ipBlock` of all addresses without exceptions for private ranges opens the way to other tenants' Pods, to the nodes and to the cloud's metadata service."
    NetworkOpen "network-open" Warning
        "A rule without peers, or one that lets in every namespace, means the Pods of every other tenant as well."
    AlertQuotaType "alert-quota-type" Error
        "`kube_resourcequota` has one series for what is allowed and one for what is used. Without `type` an expression adds them up."
    AlertContainerLabel "alert-container-label" Warning
        "cAdvisor reports cpu and memory of each container, and of the whole Pod once more with an empty `container`. Without `container!=\"\"` a sum counts everything twice."
    DashboardJson "dashboard-json" Error
        "A ConfigMap with the label of Grafana's sidecar holds dashboards as JSON. One that is not valid is never shown."
    DashboardEnvelope "dashboard-envelope" Error
        "The envelope `{\"dashboard\": …}` belongs to Grafana's HTTP API. From files Grafana reads the dashboard itself, and shows nothing otherwise."
    ChartSchema "chart-schema" Error
        "A chart's values.schema.json must be a JSON Schema without references to other files: helm refuses to install the chart otherwise."
    ChartValues "chart-values" Error
        "The values of a tenant's chart, over the chart's own, must keep to its values.schema.json: helm refuses them otherwise."
    // -- edge: what kustomize and helm make of it
    NotInflated "not-inflated" Warning
        "Kustomize components or patches, or a chart, have the last word over the tenant's objects, and the program that says it is not there. What is applied in the end was not checked."
    InflateFailed "inflate-failed" Error
        "kustomize or helm could not make the tenant's final objects, so Argo CD could not either. The finding shows what the program said."
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
