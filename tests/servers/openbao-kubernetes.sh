# shellcheck shell=bash
# Login to OpenBao with the token of a ServiceAccount, which OpenBao shows to kube-apiserver.
#
#   TENANTRY_TEST_OPENBAO_KUBERNETES_ROLE        the role, bound to the ServiceAccount tenantry in the namespace tenantry-tests; its policy is "tenantry"
#   TENANTRY_TEST_OPENBAO_KUBERNETES_TOKEN_FILE  a file with a token of that ServiceAccount, as a Pod would see it
#   TENANTRY_TEST_OPENBAO_KUBERNETES_OTHER_TOKEN_FILE  the same for the ServiceAccount stranger, to whom no role is bound

server openbao-kubernetes openbao kube-apiserver

openbao-kubernetes_find() { found "auth/kubernetes" "openbao and kube-apiserver"; }

openbao-kubernetes_fill() {
  local server
  # The reviewer may ask for reviews of tokens, and nothing else.
  to_kubernetes apply --server-side --filename - <<'OBJECTS'
apiVersion: v1
kind: Namespace
metadata: { name: tenantry-tests }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: tenantry, namespace: tenantry-tests }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: stranger, namespace: tenantry-tests }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: reviewer, namespace: tenantry-tests }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: tenantry-tests-reviewer }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:auth-delegator" }
subjects: [{ kind: ServiceAccount, name: reviewer, namespace: tenantry-tests }]
OBJECTS
  token_of reviewer
  token_of tenantry
  token_of stranger
  server=$(to_kubernetes config view --output 'jsonpath={.clusters[0].cluster.server}')
  to_openbao auth enable kubernetes
  to_openbao write auth/kubernetes/config "kubernetes_host=$server" "kubernetes_ca_cert=@$(path_in kube-apiserver certificates/apiserver.crt)" \
    "token_reviewer_jwt=@$DIR/reviewer.token"
  to_openbao write auth/kubernetes/role/tenantry bound_service_account_names=tenantry bound_service_account_namespaces=tenantry-tests \
    token_policies=tenantry token_ttl=1h
  provide TENANTRY_TEST_OPENBAO_KUBERNETES_ROLE tenantry
  provide TENANTRY_TEST_OPENBAO_KUBERNETES_TOKEN_FILE "$DIR/tenantry.token"
  provide TENANTRY_TEST_OPENBAO_KUBERNETES_OTHER_TOKEN_FILE "$DIR/stranger.token"
}

token_of() { to_kubernetes create token "$1" --namespace tenantry-tests --duration 24h >"$DIR/$1.token"; }
