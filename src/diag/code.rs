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
    ObjectDeprecatedVersion "object-deprecated-version" Warning
        "Clusters still serve this apiVersion, and will not for long. The finding names the release that drops it, and what to use."
    ObjectVersionTooNew "object-version-too-new" Error
        "The clusters' release of Kubernetes, `spec.kubernetesVersion` of tenantry.yaml, does not serve this apiVersion yet: the sync fails."
    ObjectFieldTooNew "object-field-too-new" Error
        "The clusters' release of Kubernetes, `spec.kubernetesVersion` of tenantry.yaml, does not know this field yet: it is dropped or refused, and what it was meant to do does not happen."
    ObjectDeprecatedField "object-deprecated-field" Warning
        "Kubernetes gave this field or annotation up: it is not heeded any more, or will not be for long. The finding names what to write instead."
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
    ExternalSecretStore "external-secret-store" Error
        "An ExternalSecret reads from a SecretStore that is not among the tenant's objects, so its Secret is never made."
    SecretStoreShared "secret-store-shared" Warning
        "Through a ClusterSecretStore every namespace that may use it can read every entry that the store's own credential opens. A SecretStore for each tenant keeps them apart."
    SecretKeyForeign "secret-key-foreign" Warning
        "An ExternalSecret reads an entry of the secret store whose key does not carry the tenant's name, namespace or uid, and which the plan does not name. It may be a neighbour's, or one that all tenants share."
    SecretMissing "secret-missing" Warning
        "Pods, a ServiceAccount or an Ingress name a Secret that no object of the tenant makes. Unless something else makes it, the Pods never start, their images are not pulled, or hosts show a certificate that nobody trusts."
    HookAnnotation "hook-annotation" Error
        "Argo CD passes over words that it does not know in its hook annotations: a hook with a misspelt phase is an ordinary object, a wave that is no number is wave 0."
    HookDeadline "hook-deadline" Error
        "A Job or a Pod that is a hook has `activeDeadlineSeconds`: Argo CD waits for hooks, and one that hangs holds up every later sync of the tenant."
    HookDeletePolicy "hook-delete-policy" Error
        "A hook with a fixed name that Argo CD does not take away before the next sync is never run again: the sync after a failed one fails at once, or a new image never migrates anything."
    HookAlone "hook-alone" Warning
        "Argo CD leaves hooks out of what it compares. An image that only a hook runs may change in git, the Application stays Synced, and nothing happens."
    WaveWithoutHealth "wave-without-health" Warning
        "Argo CD has no health check for this kind, so the next wave starts as soon as the object is applied, ready or not."
    ArgocdCreateNamespace "argocd-create-namespace" Warning
        "An Application makes its namespace by CreateNamespace while a Namespace object of that name is among its objects: the object wins, `managedNamespaceMetadata` is passed over, and whether the namespace is deleted depends on which came first."
    ApplicationSetProject "application-set-project" Error
        "The project of an ApplicationSet's template is a literal. If it is a template, whoever may write the generator's files chooses the project, and with it what may be deployed where."
    ApplicationSetTemplate "application-set-template" Error
        "An ApplicationSet's template is a Go template with `missingkey=error`. Otherwise a key that is missing becomes an empty name or namespace without a word."
    ApplicationTool "application-tool" Error
        "A `helm`, `kustomize` or `directory` section of an Application forces that tool on its folder. On a folder that is made for another one, no manifest can be generated."
    ApplicationOverlap "application-overlap" Error
        "An object belongs to one Application. Two that apply one folder change its objects to and fro, and whichever is deleted takes them along."
    KustomizeLabels "kustomize-labels" Error
        "`commonLabels`, and `labels` with `includeSelectors`, write into selectors: those of Deployments can never be changed, and those of NetworkPolicies then ask Pods of other namespaces for the tenant's labels."
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
    SelectorOverlap "selector-overlap" Error
        "The selector of a workload selects the Pods of another one. Each then counts, scales, guards and routes to Pods that are not its own."
    ServiceSelectsJob "service-selects-job" Warning
        "A Service selects the Pods of a Job beside those of a workload: while the Job runs, requests go there and fail."
    StatefulSetService "stateful-set-service" Warning
        "The Service that a StatefulSet names is not there, or not headless: its Pods have no names in DNS, by which they find each other."
    RoleBindingDangling "role-binding-dangling" Error
        "A RoleBinding names a Role or a ServiceAccount that is not among the tenant's objects: it gives nobody any right, or hands it to whoever makes one of that name."
    ServiceExternalIps "service-external-ips" Error
        "`externalIPs` lets a Service catch the traffic of any address in the cluster (CVE-2020-8554)."
    ServiceSelectsNothing "service-selects-nothing" Warning
        "A Service selects no Pod of the tenant: requests to it fail."
    ServiceTargetPort "service-target-port" Warning
        "A Service leads to a port by a name that no container of its Pods has: it has no endpoints."
    ServiceAccountMissing "service-account-missing" Error
        "Pods run as, or a SecretStore logs in as, a ServiceAccount that is not among the tenant's objects: no Pod, and no Secret, is ever made."
    ProbePort "probe-port" Error
        "A probe or a hook of a container asks a port by a name that the container does not have: it fails each time, and the Pod is never ready or is restarted for ever."
    ConfigMapMissing "config-map-missing" Error
        "Pods read a ConfigMap that is not among the tenant's objects: they never start."
    ConfigMapKeyMissing "config-map-key-missing" Error
        "Pods read a key of a ConfigMap that it does not have: they never start."
    SecretKeyMissing "secret-key-missing" Error
        "Pods read a key of a Secret that whatever makes the Secret does not make, or an ExternalSecret reads a field that the tenant's own resource does not write: they never start."
    ClaimMissing "claim-missing" Error
        "Pods mount a PersistentVolumeClaim that is not among the tenant's objects: they never start."
    ImageTag "image-tag" Error
        "Images name a fixed version. Without a tag, or with one that moves such as `latest` or `main`, what runs changes with each new Pod, and going back to an old commit brings back nothing."
    PodSecurity "pod-security" Error
        "The Namespace enforces a Pod Security Standard that refuses these Pods. Admission acts on Pods alone: the Deployment is applied without a complaint, and its Pods are silently missing."
    NamespaceUnrestricted "namespace-unrestricted" Warning
        "The tenant's Namespace does not enforce a Pod Security Standard: a Pod in it may become root on the node, and reach every other tenant there."
    ResourceQuotaKey "resource-quota-key" Error
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
    AutoscalerRequest "autoscaler-request" Error
        "A HorizontalPodAutoscaler goes by a share of what Pods request, and a container of them requests nothing: the share is unknown, and nothing is ever scaled."
    AutoscalerOverlap "autoscaler-overlap" Error
        "Two HorizontalPodAutoscalers scale one workload: each sets back what the other chose."
    DisruptionBudgetOverlap "disruption-budget-overlap" Error
        "Two PodDisruptionBudgets guard one Pod. The API server refuses to evict such a Pod, so nodes cannot be drained."
    DisruptionBudgetSelectsNothing "disruption-budget-selects-nothing" Warning
        "A PodDisruptionBudget selects no Pod of the tenant and guards nothing."
    DisruptionBudgetBlocks "disruption-budget-blocks" Warning
        "A PodDisruptionBudget lets no Pod go at all: nodes cannot be drained, and the upgrade of the cluster stops there."
    MonitorSelectsNothing "monitor-selects-nothing" Warning
        "A ServiceMonitor selects no Service of the tenant, or a PodMonitor no Pod: nothing is scraped. A ServiceMonitor selects by the labels of Services, not of Pods."
    MonitorPort "monitor-port" Error
        "A ServiceMonitor or PodMonitor scrapes a port by a name that none of its Services or containers has: nothing is scraped, and no alert says so."
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
        "Policies restrain what a Pod of the tenant may reach, and none of them allows DNS over UDP and TCP: no host name can be looked up. `spec.network.dns` of tenantry.yaml says which Pods answer."
    NetworkTwoPeers "network-two-peers" Warning
        "A namespaceSelector and a podSelector in two items mean either of them. Here the podSelector alone selects no Pod of the tenant, so these Pods in that namespace were probably meant: one item with both."
    NetworkPrivateRanges "network-private-ranges" Warning
        "An `ipBlock` of all addresses without exceptions for private ranges opens the way to other tenants' Pods, to the nodes and to the cloud's metadata service."
    NetworkOpen "network-open" Warning
        "A rule without peers, or one that lets in every namespace, means the Pods of every other tenant as well."
    NetworkNoPolicy "network-no-policy" Warning
        "A namespace with Pods and without a NetworkPolicy is open: the Pods of every other tenant can reach them, as far as theirs are let out."
    NetworkNotIsolated "network-not-isolated" Warning
        "No policy that is about ingress selects these Pods, so everybody may connect to them, whatever the policies about other Pods say. A policy with an empty `podSelector` and no rule isolates them all."
    NetworkNotEvaluated "network-not-evaluated" Warning
        "What tenants' Pods may reach was not decided: policies of another engine have a say, or too many tenants have policies of their own. Nothing is proved where nothing was decided."
    NetworkIngress "network-ingress" Warning
        "Connections to a tenant's Pods come from its own Pods, the gateway (`spec.routing.namespace`) and Prometheus (`spec.network.monitoring`). Whoever else may connect is named under `spec.network.admits` of tenantry.yaml."
    NetworkSelectsNothing "network-selects-nothing" Warning
        "A rule means nobody: Pods of the platform that would have to carry a tenant's own label, or, where `spec.network.namespaces` of tenantry.yaml names all namespaces with their labels, one that is not among them. It opens nothing."
    NetworkServiceUnreachable "network-service-unreachable" Error
        "A Pod names a Service of its tenant in a variable, an argument or a ConfigMap, and the policies do not let it connect to the Pods behind: either its own egress or their ingress is closed."
    NetworkConnectionUnreachable "network-connection-unreachable" Error
        "A Pod has the credential of an outside resource of its tenant, and its egress is closed to the server that the resource is on. Policies see the port of the Pods behind a Service: where it differs, `spec.network.podPorts` says so."
    NetworkAddressUnreachable "network-address-unreachable" Warning
        "A Pod names an address in a variable, an argument or a ConfigMap, a mail server for example, and its egress is closed to it."
    NetworkRouteUnreachable "network-route-unreachable" Error
        "A route of the platform's gateway leads to Pods that do not let the gateway in: every request ends in an error."
    NetworkMonitorUnreachable "network-monitor-unreachable" Warning
        "A monitor scrapes Pods that do not let Prometheus in: no metric arrives, and no alert either."
    NetworkAcrossTenants "network-across-tenants" Error
        "The policies of two tenants together let Pods of one connect to Pods of the other: the one lets them out, and the other lets them in."
    RouteHostTaken "route-host-taken" Error
        "Two tenants' routes, listeners or certificates are for one host. Requests of one tenant's customers would go to the other."
    ObjectShared "object-shared" Error
        "Two tenants' Applications have the same object: one name of a cluster-scoped kind, or one object in a namespace that is not the tenant's own. Each sync would take it from the other, and pruning one tenant deletes it for both."
    AlertQuotaType "alert-quota-type" Error
        "`kube_resourcequota` has one series for what is allowed and one for what is used. Without `type` an expression adds them up."
    AlertSyntax "alert-syntax" Error
        "Brackets and texts of an alert's expression are closed. Prometheus refuses the whole PrometheusRule otherwise, and none of its alerts ever fires."
    QuerySelectsNothing "query-selects-nothing" Warning
        "An alert's expression asks for an object of the tenant's namespace by a name that none of its objects has: it has no value, so the alert never fires."
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
    InvalidBlock "invalid-block" Error
        "Blocks of addresses are written with the number of bits that count, `10.0.0.0/8`. One that cannot be read would leave open what it allows."
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
    CredentialSource "credential-source" Error
        "The credential of a connection comes from exactly one place: two environment variables, two files, or one entry of the secret store. Half of one, or two of them, would leave open which is meant."
    InvalidPath "invalid-path" Error
        "Files that the engine reads are named by absolute paths: the Job, the CronJob and a person start it in different folders."
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
        "RabbitMQ refuses or ignores the combination: a quorum queue that is not durable, a routing key for dead letters without an exchange, a policy that sets nothing, a name of the server's own, more queues than the limit."
    UnknownVariable "unknown-variable" Error
        "`${…}` in an `httpResource` names a part of the tenant, its hosts or the platform, the object that was found, or a field of its own secret; and only what exists when it is filled in."
    InvalidPointer "invalid-pointer" Error
        "Places in the answer of an API are given as JSON pointers: `/status/ready`."
    // -- documents
    DocumentVersion "document-version" Error
        "A provision document of another version may mean something else by the same words, so it is not read at all: the tenantry that performs it must be one that knows its version."
    DocumentKind "document-kind" Error
        "A provision document says `kind: Provision`. Another file in its place is nothing to be performed."
    DocumentFolder "document-folder" Error
        "`tenants/<name>/provision.yaml` is the document of that tenant: review by folder, and rights by folder, would mean nothing otherwise."
    DuplicateDocument "duplicate-document" Error
        "A tenant has one document. Of two, the one performed last would undo the other."
    DuplicateResource "duplicate-resource" Error
        "An id names one resource of a document: reports and the order of steps go by it."
    InvalidResourceName "invalid-resource-name" Error
        "Names of outside resources, of their users and of entries in the secret store are within what the server takes, and of characters that mean nothing to it. PostgreSQL would cut a longer one silently, and another tenant's could begin alike."
    ClaimedTwice "claimed-twice" Error
        "A database, user, bucket, virtual host or entry of the secret store belongs to one resource of one tenant. Two documents that claim it would share data, or take it from each other with every run."
    UnfilledVariable "unfilled-variable" Error
        "`${…}` that stand for parts of the plan are filled in by `render`. One that is left would be sent to a server as it is."
    ClaimNotWritten "claim-not-written" Error
        "An object whose claim is looked for under `claimAt` is made, and changed, with `${claim}` in the body: without it, it would not be ours a moment later."
    UnknownNeed "unknown-need" Error
        "`after` under `needs` names an `httpResource` of the same tier, and no circle of them: each would wait for the other."
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
