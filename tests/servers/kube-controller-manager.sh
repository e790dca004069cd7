# shellcheck shell=bash
# kube-controller-manager: what makes ReplicaSets, Pods and Jobs of what is stored, and counts them against quotas. No scheduler and no kubelet: Pods are
# admitted or refused, and stay Pending.

server kube-controller-manager kube-apiserver

kube-controller-manager_find() {
  local version
  if version=$(kube-controller-manager --version 2>/dev/null) && [[ $version == "Kubernetes v${KUBERNETES%.*}."* ]]; then
    found "${version#Kubernetes v}" "PATH"
    program "$(type -P kube-controller-manager)"
  else
    cached "kube-controller-manager-$KUBERNETES" make_kubernetes kube-controller-manager
    found "$KUBERNETES" "the Go module of Kubernetes"
    program "$CACHE/kube-controller-manager-$KUBERNETES/kube-controller-manager"
  fi
}

kube-controller-manager_prepare() {
  local port
  port=$(a_port)
  printf '%s' "$port" >"$DIR/port"
  # Only what makes Pods and counts them, and what empties namespaces: nothing here has nodes, volumes or certificates to look after.
  local controllers=deployment-controller,replicaset-controller,statefulset-controller,job-controller,cronjob-controller
  controllers+=,endpointslice-controller,resourcequota-controller,serviceaccount-controller,namespace-controller,garbage-collector-controller
  command_line "$DIR/program" --kubeconfig "$(path_in kube-apiserver kubeconfig)" --controllers "$controllers" --leader-elect=false \
    --bind-address 127.0.0.1 --secure-port "$port" --cert-dir "$DIR/certificates" --profiling=false \
    --kube-api-qps 500 --kube-api-burst 1000
}

kube-controller-manager_ready() {
  local port
  port=$(<"$DIR/port")
  (: <>"/dev/tcp/127.0.0.1/$port")
}

kube-controller-manager_fill() { provide TENANTRY_TEST_CONTROLLER_MANAGER yes; }
